<?php
/**
 * The button "Test the connection": what is wrong, and how to fix it.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\ConnectionTest;

use Paywall\Admin\Capabilities;
use Paywall\Service;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const ACTION = 'paywall_test_connection';
// No post has this id.
const PROBE_ID           = 'connection-test';
const SCOPES             = array( 'access:check', 'articles:read', 'articles:write', 'readers:token', 'subscribers:privacy' );
const EXPIRES_SOON       = 14 * DAY_IN_SECONDS;
const CRON_OVERDUE       = 15 * MINUTE_IN_SECONDS;
const PROBE_BYTES_MAX    = 65536;
const TOKEN_PARTS        = 3;
const PAYLOAD_DEPTH_MAX  = 8;
const HTTP_OK            = 200;
const HTTP_REFUSED       = array( 401, 403 );
const HTTP_SERVER_ERRORS = 500;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'wp_ajax_' . ACTION, __NAMESPACE__ . '\answer' );
	add_action( 'paywall_settings_page_top', __NAMESPACE__ . '\print_button', 20 );
}

/**
 * Print the button. The script tests the address for browsers from the browser itself.
 */
function print_button(): void {
	printf(
		'<p><button type="button" class="button" id="paywall-test" data-nonce="%s" data-public-url="%s" data-failed="%s" data-reached="%s" data-no-answer="%s">%s</button></p><ul id="paywall-test-results" role="status"></ul>',
		esc_attr( wp_create_nonce( ACTION ) ),
		esc_url( Settings\get( 'public_url' ) ),
		/* translators: 1: an address, 2: the origin of this site. */
		esc_attr( sprintf( __( 'Browsers do not reach the service at %1$s. Check the address for browsers, and that %2$s is in the service’s setting allowed_origins.', 'paywall' ), Settings\get( 'public_url' ), origin() ) ),
		esc_attr__( 'Browsers reach the service.', 'paywall' ),
		esc_attr__( 'This site did not answer. Load the page again.', 'paywall' ),
		esc_html__( 'Test the connection', 'paywall' )
	);
}

/**
 * Where readers' pages come from, as browsers name it.
 */
function origin(): string {
	$parts = wp_parse_url( home_url() );
	$port  = isset( $parts['port'] ) ? ':' . $parts['port'] : '';
	return ( $parts['scheme'] ?? 'https' ) . '://' . ( $parts['host'] ?? '' ) . $port;
}

/**
 * Answer the button.
 */
function answer(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) || false === check_ajax_referer( ACTION, false, false ) ) {
		wp_send_json_error( null, 403 );
	}
	wp_send_json_success( run() );
}

/**
 * Each finding: whether it is well, and a sentence.
 *
 * @return array<int, array{is_ok:bool, text:string}>
 */
function run(): array {
	if ( ! Settings\is_connected() ) {
		return array( finding( false, __( 'Fill in the address of the service and the site token, and save.', 'paywall' ) ) );
	}
	$token   = Settings\get( 'site_token' );
	$reached = reach();
	if ( ! $reached['is_ok'] ) {
		return array( $reached );
	}
	return array_merge( array( $reached, ask( $token ) ), about_token( $token ), array( about_cron() ) );
}

/**
 * One finding.
 *
 * @param bool   $is_ok Whether it is well.
 * @param string $text  A sentence.
 * @return array{is_ok:bool, text:string}
 */
function finding( bool $is_ok, string $text ): array {
	return array(
		'is_ok' => $is_ok,
		'text'  => $text,
	);
}

/**
 * Whether something at the address is the service, and ready.
 */
function reach(): array {
	$address  = Settings\get( 'service_url' );
	$response = wp_remote_get(
		"$address/readyz",
		array(
			'timeout'             => Settings\get( 'timeout_seconds' ),
			'redirection'         => 0,
			'limit_response_size' => PROBE_BYTES_MAX,
		)
	);
	if ( is_wp_error( $response ) ) {
		/* translators: 1: an address, 2: an error message. */
		return finding( false, sprintf( __( 'This server does not reach %1$s: %2$s. Check the address, and that `paywall serve` runs and accepts connections from here.', 'paywall' ), $address, $response->get_error_message() ) );
	}
	$status = (int) wp_remote_retrieve_response_code( $response );
	if ( $status >= HTTP_SERVER_ERRORS ) {
		/* translators: 1: an address, 2: an HTTP status. */
		return finding( false, sprintf( __( '%1$s answers, but is not ready (HTTP %2$d). Run `paywall doctor` there.', 'paywall' ), $address, $status ) );
	}
	if ( HTTP_OK !== $status ) {
		/* translators: 1: an address, 2: an HTTP status. */
		return finding( false, sprintf( __( '%1$s answers with HTTP %2$d, so it is not the paywall service. Check the address.', 'paywall' ), $address, $status ) );
	}
	return finding( true, __( 'This server reaches the service.', 'paywall' ) );
}

/**
 * Whether the service takes the token.
 *
 * @param string $token The site token.
 */
function ask( string $token ): array {
	$response = wp_remote_post(
		Settings\get( 'service_url' ) . '/v1/access/check',
		array(
			'timeout'             => Settings\get( 'timeout_seconds' ),
			'redirection'         => 0,
			'limit_response_size' => PROBE_BYTES_MAX,
			'headers'             => array(
				'Authorization' => "Bearer $token",
				'Content-Type'  => 'application/json',
			),
			'body'                => Service\encode( array( 'article_id' => PROBE_ID ) ),
		)
	);
	$status   = (int) wp_remote_retrieve_response_code( $response );
	if ( HTTP_OK === $status ) {
		return finding( true, __( 'The service accepts the token.', 'paywall' ) );
	}
	if ( in_array( $status, HTTP_REFUSED, true ) ) {
		return finding( false, __( 'The service refuses the token. Mint a new one with `paywall token site`, and save it here or in wp-config.php.', 'paywall' ) );
	}
	$error = is_wp_error( $response ) ? $response->get_error_message() : "HTTP $status";
	/* translators: %s: an error. */
	return finding( false, sprintf( __( 'The service did not answer a check: %s.', 'paywall' ), $error ) );
}

/**
 * What the token itself says: its scopes and its end. The service alone judges whether it holds.
 *
 * @param string $token The site token.
 * @return array[]
 */
function about_token( string $token ): array {
	$claims = claims( $token );
	if ( null === $claims ) {
		return array( finding( false, __( 'The token cannot be read. Copy the whole line that `paywall token site` prints.', 'paywall' ) ) );
	}
	$findings = array();
	$scopes   = explode( ' ', is_string( $claims['scope'] ?? null ) ? $claims['scope'] : '' );
	$lacking  = in_array( 'admin', $scopes, true ) ? array() : array_diff( SCOPES, $scopes );
	if ( array() !== $lacking ) {
		/* translators: %s: names of scopes. */
		$findings[] = finding( false, sprintf( __( 'The token lacks these scopes: %s. Mint one that has them.', 'paywall' ), implode( ' ', $lacking ) ) );
	}
	$ends_at = ends_at( $claims );
	$is_ok   = $ends_at - time() > EXPIRES_SOON;
	/* translators: %s: a date. */
	$text       = $is_ok ? __( 'The token is valid until %s.', 'paywall' ) : __( 'The token ends on %s: replace it before that day.', 'paywall' );
	$findings[] = finding( $is_ok, sprintf( $text, wp_date( get_option( 'date_format' ), $ends_at ) ) );
	return $findings;
}

/**
 * When a token ends, in seconds since 1970; 0 if it does not say.
 *
 * @param array $claims The token's.
 */
function ends_at( array $claims ): int {
	return is_numeric( $claims['exp'] ?? null ) ? (int) $claims['exp'] : 0;
}

/**
 * The claims of a token (RFC 7519 §3), not verified; null if it has none.
 *
 * @param string $token A token.
 */
function claims( string $token ): ?array {
	$parts = explode( '.', $token );
	if ( TOKEN_PARTS !== count( $parts ) ) {
		return null;
	}
	$json   = base64_decode( strtr( $parts[1], '-_', '+/' ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- tokens are base64url.
	$claims = json_decode( false === $json ? '' : $json, true, PAYLOAD_DEPTH_MAX );
	return is_array( $claims ) ? $claims : null;
}

/**
 * Whether WordPress' cron runs: it publishes what could not be published at once.
 */
function about_cron(): array {
	$overdue = 0;
	foreach ( array_keys( (array) _get_cron_array() ) as $due_at ) {
		$overdue = max( $overdue, time() - (int) $due_at );
	}
	if ( $overdue > CRON_OVERDUE ) {
		return finding( false, __( 'WordPress’ cron does not run: what waits is published late. Call wp-cron.php each minute from the system’s cron.', 'paywall' ) );
	}
	return finding( true, __( 'WordPress’ cron runs.', 'paywall' ) );
}
