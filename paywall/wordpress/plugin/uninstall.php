<?php
/**
 * The plug-in is deleted: nothing of it stays, unless a text would be lost.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall;

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- no function of WordPress does this.

/**
 * Remove tables and options of this site. Deactivation has put the texts back; if one still needs
 * its rest, the table stays.
 */
function uninstall_site(): void {
	global $wpdb;

	$table  = $wpdb->prefix . 'paywall_bodies';
	$needed = null;
	if ( null !== $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $table ) ) ) ) {
		// phpcs:ignore WordPress.DB.PreparedSQL -- a name.
		$needed = $wpdb->get_var( "SELECT p.ID FROM $wpdb->posts p JOIN $table b ON b.post_id = IF( p.post_type = 'revision', p.post_parent, p.ID ) AND p.post_content LIKE CONCAT( '%<!--paywall:rest ', b.id, '-->%' ) LIMIT 1" );
	}
	$wpdb->query( "DROP TABLE IF EXISTS {$wpdb->prefix}paywall_queue" ); // phpcs:ignore WordPress.DB -- a name.
	delete_option( 'paywall_queue_version' );
	if ( null === $needed ) {
		$wpdb->query( "DROP TABLE IF EXISTS $table, {$wpdb->prefix}paywall_queue" ); // phpcs:ignore WordPress.DB -- names.
		$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->options WHERE option_name LIKE %s OR option_name LIKE %s OR option_name LIKE %s", $wpdb->esc_like( 'paywall_' ) . '%', $wpdb->esc_like( '_transient_paywall_' ) . '%', $wpdb->esc_like( '_transient_timeout_paywall_' ) . '%' ) );
		wp_cache_flush();
	}
}

if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $paywall_site ) { // phpcs:ignore WordPress.Arrays.ArrayDeclarationSpacing
		switch_to_blog( (int) $paywall_site );
		uninstall_site();
		restore_current_blog();
	}
} else {
	uninstall_site();
}
