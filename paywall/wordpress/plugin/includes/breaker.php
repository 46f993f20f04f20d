<?php
/**
 * Circuit breaker: a service that fails several times within a minute is left alone for a while.
 *
 * Its state is one row of the options, read and written by SQL: processes share it whatever object
 * cache there is, and exactly one page tries the service when the pause is over.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Breaker;

defined( 'ABSPATH' ) || exit;

const OPTION         = 'paywall_breaker';
const FAILURES_MAX   = 3;
const WINDOW_SECONDS = 60;
const PAUSE_SECONDS  = 30;
const CLOSED         = '0 0 0';

/**
 * Whether this page may ask the service; the one that tries after a pause claims it.
 */
function may_ask(): bool {
	$state                                   = read();
	list( $failures, $began_at, $paused_to ) = parse( $state );
	if ( 0 === $paused_to ) {
		return true;
	}
	if ( time() < $paused_to ) {
		return false;
	}
	return replace( $state, "$failures $began_at " . ( time() + PAUSE_SECONDS ) );
}

/**
 * The service answered: from now on all pages ask again.
 */
function record_success(): void {
	$state = read();
	if ( CLOSED !== $state ) {
		replace( $state, CLOSED );
	}
}

/**
 * The service did not answer.
 */
function record_failure(): void {
	$state                                   = read();
	list( $failures, $began_at, $paused_to ) = parse( $state );
	if ( time() - $began_at > WINDOW_SECONDS && 0 === $paused_to ) {
		$failures = 0;
		$began_at = time();
	}
	++$failures;
	$paused_to = $failures >= FAILURES_MAX ? time() + PAUSE_SECONDS : 0;
	replace( $state, "$failures $began_at $paused_to" );
}

/**
 * The state as it is stored.
 */
function read(): string {
	global $wpdb;
	// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- a cached state would let many pages try at once.
	$state = $wpdb->get_var( $wpdb->prepare( "SELECT option_value FROM $wpdb->options WHERE option_name = %s", OPTION ) );
	return is_string( $state ) ? $state : CLOSED;
}

/**
 * Failures in the window, when it began, and to when nothing is asked (0: no pause).
 *
 * @param string $state As it is stored.
 * @return array{int, int, int}
 */
function parse( string $state ): array {
	$numbers = array_map( 'intval', explode( ' ', $state ) );
	return 3 === count( $numbers ) ? $numbers : array( 0, 0, 0 );
}

/**
 * Write the state, if it is still the one that was read; whether this process wrote it.
 *
 * @param string $was As it was read.
 * @param string $state As it is to be.
 */
function replace( string $was, string $state ): bool {
	global $wpdb;
	// phpcs:disable WordPress.DB.DirectDatabaseQuery -- one statement, so that only one process succeeds.
	if ( CLOSED === $was ) {
		$wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO $wpdb->options (option_name, option_value, autoload) VALUES (%s, %s, 'no')", OPTION, CLOSED ) );
	}
	$query = $wpdb->prepare( "UPDATE $wpdb->options SET option_value = %s WHERE option_name = %s AND option_value = %s", $state, OPTION, $was );
	return 1 === $wpdb->query( $query ); // phpcs:ignore WordPress.DB.PreparedSQL.NotPrepared -- prepared in the line above.
	// phpcs:enable
}
