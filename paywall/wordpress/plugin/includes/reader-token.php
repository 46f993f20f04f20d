<?php
/**
 * The address from which the service's script gets a token for the reader who is signed in.
 *
 * 200 with the token · 204 nobody is signed in · 403 not asked by a page of this site, or the service
 * refuses it · 405 not a POST · 503 the service does not answer. The script treats each differently.
 * There is no nonce: pages that a cache kept hold old ones. The browser's own headers say whether a
 * page of this site asks, and the cookie who it is.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\ReaderToken;

use Paywall\Service;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

const RETRY_AFTER_SECONDS = 10;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'wp_ajax_paywall_token', __NAMESPACE__ . '\respond' );
	add_action( 'wp_ajax_nopriv_paywall_token', __NAMESPACE__ . '\respond' );
}

/**
 * Answer the script.
 */
function respond(): void {
	nocache_headers();
	header( 'Cache-Control: private, no-store' );
	if ( 'POST' !== Viewer\server_value( 'REQUEST_METHOD' ) ) {
		header( 'Allow: POST' );
		finish( 405 );
	}
	if ( ! is_from_this_site() ) {
		finish( 403 );
	}
	$reader_id = Viewer\reader_id( get_current_user_id() );
	if ( null === $reader_id ) {
		finish( 204 );
	}
	$answer = Service\request( 'POST', Service\path( '/v1/readers/%s/token', $reader_id ) );
	$token  = $answer['body']['token'] ?? null;
	if ( '' === $answer['error'] && is_string( $token ) ) {
		$found = array(
			'token'      => $token,
			'expires_at' => $answer['body']['expires_at'] ?? null,
		);
		// Not by wp_send_json(), which sends other headers for caches.
		header( 'Content-Type: application/json; charset=utf-8' );
		echo Service\encode( $found ); // phpcs:ignore WordPress.Security.EscapeOutput -- JSON, and said to be.
		exit;
	}
	if ( Service\is_down( $answer ) ) {
		header( 'Retry-After: ' . RETRY_AFTER_SECONDS );
		finish( 503 );
	}
	finish( 403 );
}

/**
 * Whether a page of this site asks, by what the browser itself says.
 */
function is_from_this_site(): bool {
	$site = Viewer\server_value( 'HTTP_SEC_FETCH_SITE' );
	if ( '' !== $site ) {
		return 'same-origin' === $site;
	}
	// Browsers before 2023 send the origin alone.
	$own = array( origin_of( home_url() ), origin_of( site_url() ) );
	return in_array( strtolower( Viewer\server_value( 'HTTP_ORIGIN' ) ), array_filter( $own ), true );
}

/**
 * The origin of an address, as browsers send it.
 *
 * @param string $address Such as that of this site.
 */
function origin_of( string $address ): string {
	$parts = wp_parse_url( strtolower( $address ) );
	if ( ! isset( $parts['scheme'], $parts['host'] ) ) {
		return '';
	}
	return "{$parts['scheme']}://{$parts['host']}" . ( isset( $parts['port'] ) ? ":{$parts['port']}" : '' );
}

/**
 * End with a status and no content.
 *
 * @param int $status The status.
 */
function finish( int $status ): void {
	status_header( $status );
	exit;
}
