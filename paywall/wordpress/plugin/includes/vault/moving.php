<?php
/**
 * Moving all posts of a site into the vault or out of it, in batches. It goes on where it was stopped.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Moving;

use Paywall\Policy;
use Paywall\Vault\Switching;
use Paywall\Vault\Texts;

defined( 'ABSPATH' ) || exit;

const OPTION              = 'paywall_move_state';
const ACTION              = 'paywall_move';
const BATCH_POSTS         = 200;
const BATCH_BYTES_MAX     = 16777216;
const CRON_SECONDS        = 20;
const GO_ON_AFTER_SECONDS = 30;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( ACTION, __NAMESPACE__ . '\on_cron' );
}

/**
 * Begin anew, in the background.
 *
 * @param string $direction `in`: every post to what its policy asks for; `out`: all posts whole.
 * @param bool   $is_recut  Cut again what is cut already.
 */
function start( string $direction, bool $is_recut = false ): void {
	$before = state();
	$state  = array(
		'direction' => $direction,
		// A move that was begun to cut again has to do so when it is begun anew.
		'is_recut'  => $is_recut || ( null !== $before && $before['is_recut'] && 'in' === $direction ),
		'last_id'   => 0,
		'done'      => 0,
		'total'     => count_posts( $direction ),
		'started'   => time(),
	);
	update_option( OPTION, $state, false );
	schedule();
}

/**
 * The move that is under way: direction, is_recut, last_id, done, total and started; null if none is.
 *
 * @return array|null
 */
function state(): ?array {
	$state = get_option( OPTION );
	return is_array( $state ) && isset( $state['direction'], $state['last_id'] ) ? $state : null;
}

/**
 * Let WordPress' cron go on with it.
 */
function schedule(): void {
	if ( ! wp_next_scheduled( ACTION ) ) {
		wp_schedule_single_event( time(), ACTION );
	}
}

/**
 * A part of the work, then the next appointment.
 */
function on_cron(): void {
	if ( null === state() ) {
		return;
	}
	// Made first: this process may be killed.
	wp_schedule_single_event( time() + GO_ON_AFTER_SECONDS, ACTION );
	if ( run( CRON_SECONDS ) ) {
		wp_clear_scheduled_hook( ACTION );
	}
}

/**
 * Work for some seconds. True when nothing is left to do.
 *
 * @param float $seconds How long; at least one batch is done.
 */
function run( float $seconds ): bool {
	$until = microtime( true ) + $seconds;
	do {
		$state = step();
	} while ( null !== $state && microtime( true ) < $until );
	return null === $state;
}

/**
 * One batch. The state after it, null when all is done.
 *
 * Two at once do the same work and no harm: every write names the text that it replaces.
 *
 * @return array|null
 */
function step(): ?array {
	$state = state();
	if ( null === $state ) {
		return null;
	}
	$post_ids = next_posts( $state['direction'], $state['last_id'] );
	if ( array() === $post_ids ) {
		delete_option( OPTION );
		return null;
	}
	_prime_post_caches( $post_ids );
	Texts\apply_policies( $post_ids, 'out' === $state['direction'], $state['is_recut'] );
	$state['last_id'] = max( $post_ids );
	$state['done']   += count( $post_ids );
	if ( Switching\is_off() ) {
		Switching\set_off();
	}
	update_option( OPTION, $state, false );
	if ( wp_cache_supports( 'flush_runtime' ) ) {
		wp_cache_flush_runtime();
	}
	return $state;
}

/**
 * The IDs of the next posts, as many as fit in memory.
 *
 * @param string $direction As in start.
 * @param int    $after     The last ID of the batch before.
 * @return int[]
 */
function next_posts( string $direction, int $after ): array {
	global $wpdb;

	$from = from_sql( $direction );
	// phpcs:ignore WordPress.DB -- names that from_sql has escaped; the work is on the rows themselves.
	$found    = $wpdb->get_results( $wpdb->prepare( "SELECT p.ID, LENGTH( p.post_content ) AS bytes $from AND p.ID > %d ORDER BY p.ID LIMIT %d", $after, BATCH_POSTS ) );
	$post_ids = array();
	$bytes    = 0;
	foreach ( $found as $post ) {
		$bytes += (int) $post->bytes;
		if ( $bytes > BATCH_BYTES_MAX && array() !== $post_ids ) {
			break;
		}
		$post_ids[] = (int) $post->ID;
	}
	return $post_ids;
}

/**
 * How many posts a move goes through.
 *
 * @param string $direction As in start.
 */
function count_posts( string $direction ): int {
	global $wpdb;

	return (int) $wpdb->get_var( 'SELECT COUNT(*) ' . from_sql( $direction ) ); // phpcs:ignore WordPress.DB -- as in next_posts.
}

/**
 * SQL for the posts of a move: out goes whatever has a row, of whatever type it is now.
 *
 * @param string $direction As in start.
 */
function from_sql( string $direction ): string {
	global $wpdb;

	if ( 'out' === $direction ) {
		return "FROM $wpdb->posts p WHERE EXISTS ( SELECT 1 FROM $wpdb->paywall_bodies b WHERE b.post_id = p.ID )";
	}
	$types = implode( ', ', array_map( fn( $type ) => $wpdb->prepare( '%s', $type ), Policy\gated_types() ) );
	return "FROM $wpdb->posts p WHERE p.post_type IN ( " . ( '' === $types ? "''" : $types ) . ' )';
}
