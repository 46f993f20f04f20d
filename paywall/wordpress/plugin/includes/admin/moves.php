<?php
/**
 * The bottom of the settings page: moving texts into the vault and back, and what the vault costs.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\Moves;

use Paywall\Admin\Capabilities;
use Paywall\Admin\SettingsPage;
use Paywall\Vault\Alarms;
use Paywall\Vault\Moving;

defined( 'ABSPATH' ) || exit;

const START        = 'paywall_move_start';
const STEP         = 'paywall_move_step';
const STEP_SECONDS = 3;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'paywall_settings_page_bottom', __NAMESPACE__ . '\print_moves' );
	add_action( 'admin_post_' . START, __NAMESPACE__ . '\start' );
	add_action( 'wp_ajax_' . STEP, __NAMESPACE__ . '\answer_step' );
}

/**
 * Print the progress of a move, or the button that begins one.
 */
function print_moves(): void {
	echo '<h2>' . esc_html__( 'Where the paid parts are', 'paywall' ) . '</h2>';
	foreach ( Alarms\all() as $alarm ) {
		printf( '<div class="notice notice-error inline"><p>%s</p></div>', esc_html( Alarms\text_of( $alarm ) ) );
	}
	echo '<p>' . esc_html__( 'The part of an article that is not for everybody is kept in a table of its own, so that no feed, search, theme or other plug-in can give it away. Deactivating the plug-in moves everything back.', 'paywall' ) . '</p><ul class="ul-disc">';
	foreach ( costs() as $cost ) {
		echo '<li>' . esc_html( $cost ) . '</li>';
	}
	echo '</ul>';
	$state = Moving\state();
	if ( null === $state ) {
		print_button();
		return;
	}
	printf(
		'<p id="paywall-move" data-nonce="%s"><progress max="%d" value="%d"></progress> <output>%d / %d</output> %s</p>',
		esc_attr( wp_create_nonce( STEP ) ),
		(int) max( 1, $state['total'] ),
		(int) $state['done'],
		(int) $state['done'],
		(int) $state['total'],
		esc_html__( 'You may leave this page: the move goes on in the background.', 'paywall' )
	);
}

/**
 * What the site does without while the paid parts are not in the posts.
 *
 * @return string[]
 */
function costs(): array {
	return array(
		__( 'The site’s own search does not find words of the paid part. The search in the admin does.', 'paywall' ),
		__( 'Related posts by full-text search, word counts and newsletters with full texts see the preview alone.', 'paywall' ),
		__( 'After the first move, purge your search index, page cache and content delivery network: they may hold older copies.', 'paywall' ),
	);
}

/**
 * Print the button that sorts all posts in again.
 */
function print_button(): void {
	printf(
		'<form method="post" action="%s"><input type="hidden" name="action" value="%s">%s<p><button class="button">%s</button></p></form>',
		esc_url( admin_url( 'admin-post.php' ) ),
		esc_attr( START ),
		wp_nonce_field( START, '_wpnonce', true, false ), // phpcs:ignore WordPress.Security.EscapeOutput -- made of hidden fields by WordPress.
		esc_html__( 'Go through all articles again', 'paywall' )
	);
}

/**
 * Handle the button.
 */
function start(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) ) {
		wp_die( esc_html__( 'You may not do this.', 'paywall' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( START );
	Moving\start( 'in', true );
	wp_safe_redirect( SettingsPage\url() );
	exit;
}

/**
 * Do a part of the move, and answer how far it is; null when it is done.
 */
function answer_step(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) || false === check_ajax_referer( STEP, false, false ) ) {
		wp_send_json_error( null, 403 );
	}
	Moving\run( STEP_SECONDS );
	wp_send_json_success( Moving\state() );
}
