<?php
/**
 * The top of the settings page: what is wrong, and what waits to be published.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\Status;

use Paywall\Admin\Capabilities;
use Paywall\Admin\ConnectionTest;
use Paywall\Admin\SettingsPage;
use Paywall\Queue;
use Paywall\Service;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const PUBLISH_ALL    = 'paywall_publish_everything';
const SHOWN_ROWS     = 20;
const FAILED_SECONDS = DAY_IN_SECONDS;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'admin_notices', __NAMESPACE__ . '\print_notice' );
	add_action( 'paywall_settings_page_top', __NAMESPACE__ . '\print_status' );
	add_action( 'admin_post_' . PUBLISH_ALL, __NAMESPACE__ . '\publish_all' );
	add_action( 'admin_enqueue_scripts', __NAMESPACE__ . '\enqueue' );
}

/**
 * The script of the settings page.
 *
 * @param string $hook The admin page.
 */
function enqueue( string $hook ): void {
	if ( 'settings_page_' . SettingsPage\PAGE === $hook ) {
		wp_enqueue_script( 'paywall-admin', plugins_url( 'assets/admin.js', \Paywall\FILE ), array(), \Paywall\VERSION, true );
	}
}

/**
 * On the list of plug-ins and on the dashboard: that the plug-in is not connected yet, or not for long.
 */
function print_notice(): void {
	$screen = get_current_screen();
	$shown  = null !== $screen && in_array( $screen->id, array( 'plugins', 'dashboard' ), true );
	if ( ! $shown || ! current_user_can( Capabilities\MANAGE ) ) {
		return;
	}
	$text = Settings\is_connected()
		? about_end_of_token()
		: __( 'The paywall is not connected to its service: gated articles show their preview to everybody.', 'paywall' );
	if ( '' === $text ) {
		return;
	}
	printf(
		'<div class="notice notice-warning"><p>%s <a href="%s">%s</a></p></div>',
		esc_html( $text ),
		esc_url( SettingsPage\url() ),
		esc_html__( 'Connect it', 'paywall' )
	);
}

/**
 * That the token has ended or ends soon; empty if it does not.
 */
function about_end_of_token(): string {
	$claims  = ConnectionTest\claims( Settings\get( 'site_token' ) );
	$ends_at = null === $claims ? 0 : ConnectionTest\ends_at( $claims );
	if ( 0 === $ends_at || $ends_at - time() > ConnectionTest\EXPIRES_SOON ) {
		return '';
	}
	/* translators: %s: a date and a time. */
	$text = __( 'The paywall’s site token is valid until %s. Replace it before then: after that, readers see previews only.', 'paywall' );
	return sprintf( $text, wp_date( 'Y-m-d H:i', $ends_at ) );
}

/**
 * Print what failed lately, what waits and the button that publishes everything.
 */
function print_status(): void {
	$failure = Service\last_failure();
	if ( null !== $failure && time() - $failure['at'] < FAILED_SECONDS ) {
		/* translators: 1: how long ago, 2: an error. */
		$text = sprintf( __( 'Last failure, %1$s ago: %2$s', 'paywall' ), human_time_diff( $failure['at'] ), $failure['error'] );
		printf( '<div class="notice notice-warning inline"><p>%s</p></div>', esc_html( $text ) );
	}
	print_waiting( Queue\waiting( SHOWN_ROWS ) );
	printf(
		'<form method="post" action="%s"><input type="hidden" name="action" value="%s">%s<p><button class="button">%s</button> %s</p></form>',
		esc_url( admin_url( 'admin-post.php' ) ),
		esc_attr( PUBLISH_ALL ),
		wp_nonce_field( PUBLISH_ALL, '_wpnonce', true, false ), // phpcs:ignore WordPress.Security.EscapeOutput -- made of hidden fields by WordPress.
		esc_html__( 'Publish all articles again', 'paywall' ),
		esc_html__( 'Needed once after connecting, and after the service was set up anew.', 'paywall' )
	);
}

/**
 * Print what the service does not have yet.
 *
 * @param array{count:int, rows:object[]} $waiting As the queue gives it.
 */
function print_waiting( array $waiting ): void {
	echo '<h2>' . esc_html__( 'Waiting for the service', 'paywall' ) . '</h2>';
	if ( 0 === $waiting['count'] ) {
		echo '<p>' . esc_html__( 'Nothing waits.', 'paywall' ) . '</p>';
		return;
	}
	/* translators: %s: a number. */
	$text = _n( '%s change waits.', '%s changes wait.', $waiting['count'], 'paywall' );
	printf( '<p>%s</p>', esc_html( sprintf( $text, number_format_i18n( $waiting['count'] ) ) ) );
	printf(
		'<table class="widefat striped"><thead><tr><th scope="col">%s</th><th scope="col">%s</th><th scope="col">%s</th></tr></thead><tbody>',
		esc_html__( 'What', 'paywall' ),
		esc_html__( 'Next attempt', 'paywall' ),
		esc_html__( 'Last error', 'paywall' )
	);
	foreach ( $waiting['rows'] as $row ) {
		$due_at = (int) $row->due_at;
		/* translators: %s: how long from now. */
		$when = $due_at > time() ? sprintf( __( 'in %s', 'paywall' ), human_time_diff( $due_at ) ) : __( 'at the next run of the cron', 'paywall' );
		printf( '<tr><td>%s</td><td>%s</td><td>%s</td></tr>', esc_html( name_of( $row ) ), esc_html( $when ), esc_html( $row->error ) );
	}
	echo '</tbody></table>';
}

/**
 * What a row of the queue is about. Readers are numbers here: their names are nobody's business.
 *
 * @param object $row Of the queue.
 */
function name_of( object $row ): string {
	if ( 'reader' === $row->kind ) {
		/* translators: %s: the reader's id. */
		return sprintf( __( 'Erasing the deleted user %s', 'paywall' ), $row->target );
	}
	$title = get_the_title( (int) $row->target );
	/* translators: %s: a post ID. */
	return '' === $title ? sprintf( __( 'Article %s', 'paywall' ), $row->target ) : $title;
}

/**
 * Handle the button.
 */
function publish_all(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) ) {
		wp_die( esc_html__( 'You may not do this.', 'paywall' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( PUBLISH_ALL );
	do_action( 'paywall_publish_all' );
	wp_safe_redirect( SettingsPage\url() );
	exit;
}
