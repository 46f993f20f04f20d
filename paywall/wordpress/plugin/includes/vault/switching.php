<?php
/**
 * Activation and deactivation: a site without the plug-in has its whole texts in `wp_posts`.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Switching;

use Paywall\Vault;
use Paywall\Vault\Moving;
use Paywall\Vault\Sweep;

defined( 'ABSPATH' ) || exit;

const OFF                = 'paywall_vault_off';
const OFF_SECONDS_MAX    = 600;
const TABLE              = 'paywall_vault_table';
const TABLE_VERSION      = 1;
const ACTIVATION_SECONDS = 10;

/**
 * Add the hooks.
 */
function register(): void {
	Vault\register_table();
	register_activation_hook( \Paywall\FILE, __NAMESPACE__ . '\on_activation' );
	register_deactivation_hook( \Paywall\FILE, __NAMESPACE__ . '\on_deactivation' );
	// A site of a network that was made later, or files that were copied over older ones.
	add_action( 'init', __NAMESPACE__ . '\prepare', 0 );
	// WordPress makes the tables of a new site at 10.
	add_action( 'wp_initialize_site', __NAMESPACE__ . '\on_new_site', 100 );
}

/**
 * Make the table, once.
 */
function prepare(): void {
	if ( TABLE_VERSION !== (int) get_option( TABLE ) ) {
		Vault\create_table();
		update_option( TABLE, TABLE_VERSION );
	}
	if ( ! wp_next_scheduled( Sweep\ACTION ) ) {
		wp_schedule_event( time() + HOUR_IN_SECONDS, 'hourly', Sweep\ACTION );
	}
}

/**
 * A network on which the plug-in is on has a new site: others may write posts there before anybody
 * has been there.
 *
 * @param \WP_Site $site The site.
 */
function on_new_site( \WP_Site $site ): void {
	$active = get_site_option( 'active_sitewide_plugins' );
	if ( is_array( $active ) && isset( $active[ plugin_basename( \Paywall\FILE ) ] ) ) {
		switch_to_blog( (int) $site->blog_id );
		prepare();
		restore_current_blog();
	}
}

/**
 * The plug-in is on: texts go in, the first ones now, the others in the background.
 *
 * @param bool $is_network On all sites of a network.
 */
function on_activation( $is_network ): void {
	for_each_site(
		(bool) $is_network,
		static function () {
			Vault\create_table();
			update_option( TABLE, TABLE_VERSION );
			clear_off();
			Moving\start( 'in' );
			Moving\run( ACTIVATION_SECONDS );
			prepare();
		}
	);
}

/**
 * The plug-in goes off: every text comes back, whatever time it takes.
 *
 * @param bool $is_network On all sites of a network.
 */
function on_deactivation( $is_network ): void {
	ignore_user_abort( true );
	if ( function_exists( 'set_time_limit' ) ) {
		set_time_limit( 0 );
	}
	for_each_site( (bool) $is_network, __NAMESPACE__ . '\empty_vault' );
}

/**
 * Move all texts of this site back into `wp_posts`. The rows stay until the plug-in is deleted.
 */
function empty_vault(): void {
	set_off();
	Sweep\claim_rows_of_new_posts();
	// Twice: a request that began before the flag was set may have closed a post after its turn.
	for ( $round = 0; $round < 2; $round++ ) {
		Moving\start( 'out' );
		while ( null !== Moving\step() ) {
			continue;
		}
	}
	wp_clear_scheduled_hook( Moving\ACTION );
	wp_clear_scheduled_hook( Sweep\ACTION );
}

/**
 * Do something on this site, or on every site of the network.
 *
 * @param bool     $is_network On all.
 * @param callable $work       What.
 */
function for_each_site( bool $is_network, callable $work ): void {
	if ( ! $is_network || ! is_multisite() ) {
		$work();
		return;
	}
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $site ) { // phpcs:ignore WordPress.Arrays.ArrayDeclarationSpacing
		switch_to_blog( (int) $site );
		$work();
		restore_current_blog();
	}
}

/**
 * Whether the plug-in is being switched off. Read from the database: other requests have to know at once.
 */
function is_off(): bool {
	global $wpdb;

	return null !== $wpdb->get_var( $wpdb->prepare( "SELECT option_value FROM $wpdb->options WHERE option_name = %s", OFF ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- on purpose.
}

/**
 * Set the flag, or set it again: it is stale after a time.
 */
function set_off(): void {
	update_option( OFF, (string) microtime( true ), false );
}

/**
 * Remove the flag.
 */
function clear_off(): void {
	delete_option( OFF );
}

/**
 * A flag that is old, while the plug-in still runs, is of a deactivation that was killed.
 */
function clear_stale(): void {
	$since = get_option( OFF );
	if ( false !== $since && microtime( true ) - (float) $since > OFF_SECONDS_MAX ) {
		clear_off();
		Moving\start( 'in' );
	}
}
