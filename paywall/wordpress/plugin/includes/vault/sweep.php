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
use Paywall\Vault\Texts;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- it works on the rows themselves, in many posts.

const ACTION             = 'paywall_sweep';
const NEW_POST_ROWS_MAX  = 100;
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
	claim_rows_of_new_posts();
	Alarms\clear( 'not_stored' );
	close_unmarked();
	Alarms\clear( 'row_missing' );
	foreach ( dangling() as $post_id ) {
		Alarms\add( $post_id, 'row_missing' );
	}
	remove_unused();
}

/**
 * Rows of new posts whose first save was cut off go to the post whose stub names them.
 */
function claim_rows_of_new_posts(): void {
	global $wpdb;

	$ids = $wpdb->get_col( $wpdb->prepare( "SELECT id FROM $wpdb->paywall_bodies WHERE post_id = 0 ORDER BY updated DESC, id LIMIT %d", NEW_POST_ROWS_MAX ) );
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
function close_unmarked(): void {
	$last = 0;
	do {
		$post_ids = Moving\next_posts( 'in', $last );
		if ( array() === $post_ids ) {
			return;
		}
		$last     = max( $post_ids );
		$unmarked = array();
		foreach ( unmarked_among( $post_ids ) as $post ) {
			if ( Policy\is_gated( (int) $post->owner ) ? $post->is_unsound : $post->is_marked ) {
				$unmarked[] = (int) $post->owner;
			}
		}
		Texts\apply_policies( $unmarked );
		if ( wp_cache_supports( 'flush_runtime' ) ) {
			wp_cache_flush_runtime();
		}
	} while ( true );
}

/**
 * Of each post: whether one of its texts shows more than a stub may, and whether one has a marker.
 *
 * @param int[] $post_ids Posts.
 * @return object[] With owner, is_unsound and is_marked.
 */
function unmarked_among( array $post_ids ): array {
	global $wpdb;

	$in    = implode( ', ', array_map( 'intval', $post_ids ) );
	$texts = array();
	foreach ( array_keys( Texts\KEY_OF ) as $field ) {
		$columns = Texts\unsound_sql( $field ) . ' AS is_unsound, ' . Texts\marked_sql( $field ) . ' AS is_marked ' . Texts\from_sql( $field );
		$texts[] = "SELECT p.ID AS owner, $columns AND p.ID IN ( $in )";
		$texts[] = "SELECT p.post_parent AS owner, $columns AND p.post_parent IN ( $in ) AND p.post_type = 'revision'";
	}
	// phpcs:ignore WordPress.DB.PreparedSQL -- integers, constants, and keys that from_sql has prepared.
	return $wpdb->get_results( 'SELECT owner, MAX( is_unsound ) AS is_unsound, MAX( is_marked ) AS is_marked FROM ( ' . implode( ' UNION ALL ', $texts ) . ' ) texts GROUP BY owner' );
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

	$named = array();
	foreach ( array_keys( Texts\KEY_OF ) as $field ) {
		$names   = Texts\from_sql( $field ) . " AND $field LIKE CONCAT( '%paywall:rest ', b.id, '%' )";
		$named[] = "NOT EXISTS ( SELECT 1 $names AND p.ID = b.post_id )";
		$named[] = "NOT EXISTS ( SELECT 1 $names AND p.post_parent = b.post_id AND p.post_type = 'revision' )";
	}
	// phpcs:ignore WordPress.DB.PreparedSQL -- constants, numbers, and keys that from_sql has prepared.
	$unused = $wpdb->get_results( "SELECT b.post_id, b.id FROM $wpdb->paywall_bodies b WHERE b.updated < UTC_TIMESTAMP() - INTERVAL " . UNUSED_DAYS . ' DAY AND ' . implode( ' AND ', $named ) . ' LIMIT ' . UNUSED_ROWS_MAX );
	foreach ( $unused as $row ) {
		// A save in this moment has made the row young again.
		$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->paywall_bodies WHERE post_id = %d AND id = %s AND updated < UTC_TIMESTAMP() - INTERVAL %d DAY", $row->post_id, $row->id, UNUSED_DAYS ) );
	}
}
