<?php
/**
 * The one HTTP client for the service.
 *
 * While WordPress makes a page, a service that does not answer costs one time-out: after a failure
 * nothing more is asked. Over pages, a circuit breaker stops asking for a while (breaker.php).
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Service;

use Paywall\Breaker;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const RESPONSE_BYTES_MAX     = 1048576;
const LARGE_BYTES_MAX        = 33554432;
const SLOW_TIMEOUT_SECONDS   = 12;
const FAILURE_OPTION         = 'paywall_last_failure';
const FAILURE_EVERY_SECONDS  = 60;
const HTTP_TOO_MANY_REQUESTS = 429;

/**
 * Ask the service.
 *
 * `slow` is for what no page waits for: it has longer, and does not count for the breaker, which
 * is about the pages of readers. Its response may be large.
 *
 * @param string     $method  Such as POST.
 * @param string     $path    From the service's address on, with ids encoded.
 * @param array|null $body    What is sent as JSON.
 * @param bool       $is_slow Whether a processor or much data is involved.
 * @return array{status:int, body:array|null, error:string} Status 0 and an error without an answer.
 */
function request( string $method, string $path, ?array $body = null, bool $is_slow = false ): array {
	if ( ! Settings\is_connected() ) {
		return failed( __( 'The address of the paywall service or its token is not set.', 'paywall' ) );
	}
	if ( has_failed() ) {
		return failed( __( 'The paywall service did not answer a moment ago.', 'paywall' ) );
	}
	if ( ! Breaker\may_ask() ) {
		has_failed( true );
		return failed( __( 'The paywall service has not answered several times; it is asked again within 30 seconds.', 'paywall' ) );
	}
	$answer = interpret( wp_remote_request( Settings\get( 'service_url' ) . $path, arguments( $method, $body, $is_slow ) ) );
	note( $answer, $is_slow );
	return $answer;
}

/**
 * The path of something with an id.
 *
 * @param string $format Such as `/v1/articles/%s`.
 * @param string ...$ids What takes the place of each `%s`.
 */
function path( string $format, string ...$ids ): string {
	return sprintf( $format, ...array_map( 'rawurlencode', $ids ) );
}

/**
 * Whether the service gave no answer, or one that says that it cannot answer now.
 *
 * @param array{status:int} $answer Of request().
 */
function is_down( array $answer ): bool {
	return $answer['status'] < 200 || $answer['status'] >= 500 || HTTP_TOO_MANY_REQUESTS === $answer['status'];
}

/**
 * Whether something failed since this page began, so that nothing more is asked; `true` sets it.
 *
 * @param bool|null $now What to set it to.
 */
function has_failed( ?bool $now = null ): bool {
	static $failed = false;

	$failed = $now ?? $failed;
	return $failed;
}

/**
 * The last failure, for the settings page: `at` (a time) and `error`; null if there was none.
 *
 * @return array{at:int, error:string}|null
 */
function last_failure(): ?array {
	$saved = get_option( FAILURE_OPTION );
	return is_array( $saved ) ? $saved : null;
}

/**
 * What wp_remote_request() is given.
 *
 * @param string     $method  Such as POST.
 * @param array|null $body    What is sent as JSON.
 * @param bool       $is_slow As in request().
 */
function arguments( string $method, ?array $body, bool $is_slow ): array {
	$headers = array(
		'Authorization' => 'Bearer ' . Settings\get( 'site_token' ),
		'Accept'        => 'application/json',
	);
	if ( null !== $body ) {
		$headers['Content-Type'] = 'application/json';
	}
	$timeout_seconds = Settings\get( 'timeout_seconds' );
	return array(
		'method'              => $method,
		'timeout'             => $is_slow ? max( $timeout_seconds, SLOW_TIMEOUT_SECONDS ) : $timeout_seconds,
		// A redirect would carry the token elsewhere.
		'redirection'         => 0,
		'limit_response_size' => $is_slow ? LARGE_BYTES_MAX : RESPONSE_BYTES_MAX,
		'user-agent'          => 'paywall-wordpress/' . \Paywall\VERSION,
		'headers'             => $headers,
		'body'                => null === $body ? null : encode( $body ),
	);
}

/**
 * JSON; text that is not UTF-8 is sent as far as it is.
 *
 * @param array $body What is sent.
 */
function encode( array $body ): string {
	return (string) wp_json_encode( $body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE );
}

/**
 * The answer of request() from that of WordPress.
 *
 * @param array|\WP_Error $response Of wp_remote_request().
 * @return array{status:int, body:array|null, error:string}
 */
function interpret( $response ): array {
	if ( is_wp_error( $response ) ) {
		return failed( $response->get_error_message() );
	}
	$status = (int) wp_remote_retrieve_response_code( $response );
	$text   = wp_remote_retrieve_body( $response );
	$body   = json_decode( $text, true, 64 );
	if ( ! is_array( $body ) && $status < 300 && '' !== $text ) {
		return failed( __( 'The answer is not of the paywall service: check its address.', 'paywall' ) );
	}
	$error = '';
	if ( $status >= 300 || $status < 200 ) {
		$detail = is_array( $body ) && is_string( $body['detail'] ?? null ) ? $body['detail'] : '';
		$error  = trim( "HTTP $status. $detail" );
	}
	return array(
		'status' => $status,
		'body'   => is_array( $body ) ? $body : null,
		'error'  => $error,
	);
}

/**
 * The answer of request() where there is none.
 *
 * @param string $error Why, for whoever runs the site.
 * @return array{status:int, body:null, error:string}
 */
function failed( string $error ): array {
	return array(
		'status' => 0,
		'body'   => null,
		'error'  => $error,
	);
}

/**
 * Remember a failure for this page, for the breaker and for the settings page.
 *
 * @param array{status:int, body:array|null, error:string} $answer  Of the service.
 * @param bool                                             $is_slow As in request().
 */
function note( array $answer, bool $is_slow ): void {
	$is_down    = is_down( $answer );
	$is_refused = in_array( $answer['status'], array( 401, 403 ), true );
	if ( ! $is_slow && $is_down ) {
		Breaker\record_failure();
	} elseif ( ! $is_down ) {
		Breaker\record_success();
	}
	if ( ! $is_down && ! $is_refused ) {
		return;
	}
	has_failed( true );
	$last = last_failure();
	if ( null === $last || time() - $last['at'] >= FAILURE_EVERY_SECONDS || $last['error'] !== $answer['error'] ) {
		$failure = array(
			'at'    => time(),
			'error' => $answer['error'],
		);
		update_option( FAILURE_OPTION, $failure, false );
	}
}
