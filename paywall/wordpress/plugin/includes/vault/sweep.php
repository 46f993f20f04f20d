<?php
/**
 * Once an hour: what got into `wp_posts` past the plug-in goes into the vault, and what is missing
 * or of no use is found.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Sweep;

use Paywall\Policy;
use Paywall\Vault;
use Paywall\Vault\Alarms;
use Paywall\Vault\Moving;
use Paywall\Vault\Switching;
use Paywall\Vault\Sync;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- it works on the rows themselves, in many posts.

const ACTION             = 'paywall_sweep';
const BATCH_POSTS        = 200;
const UNBORN_ROWS_MAX    = 100;
const DANGLING_POSTS_MAX = 50;
const UNUSED_ROWS_MAX    = 1000;
const UNUSED_DAYS        = 30;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( ACTION, __NAMESPACE__ . '\run' );
}

/**
 * All of it.
 */
function run(): void {
	Switching\clear_stale();
	if ( Switching\is_off() ) {
		return;
	}
	if ( null !== Moving\state() ) {
		Moving\schedule();
	}
	claim_unborn();
	Alarms\clear( 'not_stored' );
	bring_strays();
	Alarms\clear( 'row_missing' );
	foreach ( dangling() as $post_id ) {
		Alarms\add( $post_id, 'row_missing' );
	}
	remove_unused();
}

/**
 * Rows of new posts whose first save was cut off go to the post whose stub names them.
 */
function claim_unborn(): void {
	global $wpdb;

	$ids = $wpdb->get_col( $wpdb->prepare( "SELECT id FROM $wpdb->paywall_bodies WHERE post_id = 0 ORDER BY updated DESC, id LIMIT %d", UNBORN_ROWS_MAX ) );
	foreach ( $ids as $id ) {
		$like    = '%' . $wpdb->esc_like( Vault\marker( $id ) ) . '%';
		$post_id = (int) $wpdb->get_var( $wpdb->prepare( "SELECT IF( post_type = 'revision', post_parent, ID ) FROM $wpdb->posts WHERE post_content LIKE %s ORDER BY ID LIMIT 1", $like ) );
		if ( $post_id > 0 ) {
			Vault\claim_rows( $post_id, array( $id ) );
		}
	}
}

/**
 * Posts that are not in the state that their policy asks for.
 */
function bring_strays(): void {
	global $wpdb;

	$unsound = Sync\unsound_sql();
	$last    = 0;
	do {
		$post_ids = Moving\next_posts( 'in', $last );
		if ( array() === $post_ids ) {
			return;
		}
		$last = max( $post_ids );
		$in   = implode( ', ', $post_ids );
		// phpcs:ignore WordPress.DB.PreparedSQL -- integers and constants.
		$found  = $wpdb->get_results( "SELECT owner, MAX( is_unsound ) AS is_unsound, MAX( is_marked ) AS is_marked FROM ( SELECT ID AS owner, $unsound AS is_unsound, post_content LIKE '%<!--paywall:rest %' AS is_marked FROM $wpdb->posts WHERE ID IN ( $in ) UNION ALL SELECT post_parent, $unsound, post_content LIKE '%<!--paywall:rest %' FROM $wpdb->posts WHERE post_parent IN ( $in ) AND post_type = 'revision' ) texts GROUP BY owner" );
		$strays = array();
		foreach ( $found as $post ) {
			$is_gated = Policy\is_gated( (int) $post->owner );
			if ( $is_gated ? $post->is_unsound : $post->is_marked ) {
				$strays[] = (int) $post->owner;
			}
		}
		Sync\bring( $strays );
		if ( wp_cache_supports( 'flush_runtime' ) ) {
			wp_cache_flush_runtime();
		}
	} while ( true );
}

/**
 * Posts with a marker whose row is not there.
 *
 * @return int[]
 */
function dangling(): array {
	global $wpdb;

	return array_map( 'intval', $wpdb->get_col( $wpdb->prepare( "SELECT p.ID FROM $wpdb->posts p WHERE p.post_type <> 'revision' AND p.post_content LIKE %s AND NOT EXISTS ( SELECT 1 FROM $wpdb->paywall_bodies b WHERE b.post_id = p.ID AND b.id = LEFT( SUBSTRING_INDEX( p.post_content, '<!--paywall:rest ', -1 ), 32 ) ) ORDER BY p.ID LIMIT %d", '%<!--paywall:rest %', DANGLING_POSTS_MAX ) ) );
}

/**
 * Rows that no stub has named for a time.
 */
function remove_unused(): void {
	global $wpdb;

	$named = "post_content LIKE CONCAT( '%paywall:rest ', b.id, '%' )";
	// phpcs:ignore WordPress.DB -- constants, and a number that is prepared.
	$unused = $wpdb->get_results( $wpdb->prepare( "SELECT b.post_id, b.id FROM $wpdb->paywall_bodies b WHERE b.updated < UTC_TIMESTAMP() - INTERVAL %d DAY AND NOT EXISTS ( SELECT 1 FROM $wpdb->posts p WHERE p.ID = b.post_id AND $named ) AND NOT EXISTS ( SELECT 1 FROM $wpdb->posts r WHERE r.post_parent = b.post_id AND r.post_type = 'revision' AND $named ) LIMIT %d", UNUSED_DAYS, UNUSED_ROWS_MAX ) );
	foreach ( $unused as $row ) {
		// A save in this moment has made the row young again.
		$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->paywall_bodies WHERE post_id = %d AND id = %s AND updated < UTC_TIMESTAMP() - INTERVAL %d DAY", $row->post_id, $row->id, UNUSED_DAYS ) );
	}
}
