<?php
/**
 * Brings posts and their revisions to the state that the policy asks for.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Sync;

use Paywall\Policy;
use Paywall\Vault;
use Paywall\Vault\Alarms;
use Paywall\Vault\Moving;
use Paywall\Vault\Switching;

defined( 'ABSPATH' ) || exit;

const INSERT_BYTES_MAX = 524288;
const TRIES_MAX        = 3;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'wp_after_insert_post', __NAMESPACE__ . '\on_saved', 10, 1 );
	foreach ( array( 'added', 'updated', 'deleted' ) as $verb ) {
		add_action( "{$verb}_post_meta", __NAMESPACE__ . '\on_post_meta', 10, 3 );
		add_action( "{$verb}_term_meta", __NAMESPACE__ . '\on_term_meta', 10, 3 );
	}
	add_action( 'set_object_terms', __NAMESPACE__ . '\on_terms', 10, 4 );
	add_action( 'deleted_term_relationships', fn( $post_id, $terms, $taxonomy ) => on_terms( $post_id, $terms, $terms, $taxonomy ), 10, 3 );
	add_action( 'update_option_paywall_settings', __NAMESPACE__ . '\on_settings', 10, 2 );
	add_action( 'add_option_paywall_settings', fn( $name, $settings ) => on_settings( array(), $settings ), 10, 2 );
	add_action( 'shutdown', __NAMESPACE__ . '\open_deferred' );
}

/**
 * A post was saved, with all its meta and terms.
 *
 * @param int $post_id The post.
 */
function on_saved( int $post_id ): void {
	if ( Policy\is_gated_type( (string) get_post_type( $post_id ) ) ) {
		bring( array( $post_id ) );
	}
}

/**
 * Meta of a post has changed.
 *
 * @param mixed  $meta_id Not used.
 * @param int    $post_id The post.
 * @param string $key     Which.
 */
function on_post_meta( $meta_id, $post_id, $key ): void {
	if ( '_paywall_policy' === $key ) {
		follow( (int) $post_id );
	} elseif ( '_paywall_preview_paragraphs' === $key ) {
		bring( array( (int) $post_id ), false, true );
	}
}

/**
 * Meta of a term has changed, and with it the policy of any number of posts.
 *
 * @param mixed  $meta_id Not used.
 * @param int    $term_id Not used.
 * @param string $key     Which.
 */
function on_term_meta( $meta_id, $term_id, $key ): void {
	if ( 'paywall_policy' === $key ) {
		Moving\start( 'in' );
	}
}

/**
 * The terms of a post have changed.
 *
 * @param int    $post_id  The post.
 * @param mixed  $terms    Not used.
 * @param mixed  $term_ids Not used.
 * @param string $taxonomy Whose terms.
 */
function on_terms( $post_id, $terms, $term_ids, $taxonomy ): void {
	if ( in_array( $taxonomy, Policy\TAXONOMIES, true ) ) {
		follow( (int) $post_id );
	}
}

/**
 * The settings have changed.
 *
 * @param mixed $before As they were.
 * @param mixed $after  As they are.
 */
function on_settings( $before, $after ): void {
	$changed = static fn( string $name ) => ( is_array( $before ) ? $before[ $name ] ?? null : null ) !== ( is_array( $after ) ? $after[ $name ] ?? null : null );
	if ( $changed( 'preview_paragraphs' ) || $changed( 'preview_share' ) ) {
		Moving\start( 'in', true );
	} elseif ( $changed( 'default_policy' ) ) {
		Moving\start( 'in' );
	}
}

/**
 * The policy of a post may have changed: close at once, open when the request is over. Who changes
 * it may be on the way from one closed policy to another.
 *
 * @param int $post_id The post.
 */
function follow( int $post_id ): void {
	if ( ! Policy\is_gated_type( (string) get_post_type( $post_id ) ) ) {
		return;
	}
	if ( Policy\is_gated( $post_id ) ) {
		bring( array( $post_id ) );
	} else {
		deferred( array( $post_id ) );
	}
}

/**
 * The posts to open at the end; null empties the list.
 *
 * @param int[]|null $post_ids What to add.
 * @return int[]
 */
function deferred( ?array $post_ids ): array {
	static $deferred = array();

	$before   = $deferred;
	$deferred = null === $post_ids ? array() : array_unique( array_merge( $deferred, $post_ids ) );
	return null === $post_ids ? $before : $deferred;
}

/**
 * Open what became free in this request.
 */
function open_deferred(): void {
	$post_ids = deferred( null );
	if ( array() !== $post_ids ) {
		bring( $post_ids );
	}
}

/**
 * Bring posts with their revisions to what their policy asks for, in batches in one transaction.
 *
 * @param int[] $post_ids Posts of any number that fits in memory.
 * @param bool  $is_out   Open all of them, whatever the policy.
 * @param bool  $is_recut Cut again what is cut already.
 */
function bring( array $post_ids, bool $is_out = false, bool $is_recut = false ): void {
	$is_out  = $is_out || Switching\is_off();
	$pending = $post_ids;
	for ( $try = 0; $try < TRIES_MAX && array() !== $pending; $try++ ) {
		$pending = bring_once( $pending, $is_out, $is_recut );
	}
	foreach ( $pending as $post_id ) {
		Alarms\add( $post_id, 'not_stored' );
	}
}

/**
 * One attempt; the posts whose text somebody else wrote meanwhile, or that could not be stored.
 *
 * @param int[] $post_ids Posts.
 * @param bool  $is_out   Open all of them.
 * @param bool  $is_recut Cut again what is cut already.
 * @return int[]
 */
function bring_once( array $post_ids, bool $is_out, bool $is_recut ): array {
	global $wpdb;

	$stored  = texts_of( $post_ids, $is_out, $is_recut );
	$changes = array();
	$rows    = array();
	$found   = rows_for( $stored );
	foreach ( $stored as $text ) {
		$owner = (int) $text->owner;
		$whole = Vault\expand_with( $text->post_content, $found[ $owner ] ?? array() );
		if ( Vault\has_marker( $whole ) ) {
			continue;
		}
		list( $wanted, $row ) = $text->is_closing ? Vault\stub_of( $whole, $owner ) : array( $whole, null );
		if ( $wanted !== $text->post_content ) {
			$changes[] = array( (int) $text->ID, $owner, $text->post_content, $wanted );
			$rows      = array_merge( $rows, null === $row ? array() : array( $row ) );
		}
	}
	if ( array() === $changes ) {
		return array();
	}
	// Many at once are faster in one. A single save may be within somebody else's.
	$is_many = count( $post_ids ) > 1;
	if ( $is_many ) {
		$wpdb->query( 'START TRANSACTION' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- no function of WordPress begins one.
	}
	$failed = add_in_parts( $rows ) ? write( $changes ) : array_column( $changes, 1 );
	if ( $is_many ) {
		$wpdb->query( 'COMMIT' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- as above.
	}
	// Only now: before the commit, another request would cache the old text again.
	foreach ( array_unique( array_merge( array_column( $changes, 0 ), array_column( $changes, 1 ) ) ) as $post_id ) {
		clean_post_cache( $post_id );
	}
	return array_values( array_unique( $failed ) );
}

/**
 * The texts of posts and their revisions that are not yet in the state that is wanted.
 *
 * @param int[] $post_ids Posts.
 * @param bool  $is_out   Open all of them.
 * @param bool  $is_recut Cut again what is cut already.
 * @return object[] With ID, owner, post_content and is_closing.
 */
function texts_of( array $post_ids, bool $is_out, bool $is_recut ): array {
	global $wpdb;

	$texts  = array();
	$closed = $is_out ? array() : array_values( array_filter( $post_ids, 'Paywall\Policy\is_gated' ) );
	$open   = array_values( array_diff( $post_ids, $closed ) );
	foreach ( array( array( $closed, true ), array( $open, false ) ) as list( $ids, $is_closing ) ) {
		if ( array() === $ids ) {
			continue;
		}
		$in   = implode( ', ', array_map( 'intval', $ids ) );
		$like = $is_closing && $is_recut ? '' : ( $is_closing ? 'AND ' . unsound_sql() : "AND post_content LIKE '%<!--paywall:rest %'" );
		// phpcs:ignore WordPress.DB -- integers and constants; the cache may be older than the row.
		$found = $wpdb->get_results( "SELECT ID, ID AS owner, post_content FROM $wpdb->posts WHERE ID IN ( $in ) $like UNION ALL SELECT ID, post_parent AS owner, post_content FROM $wpdb->posts WHERE post_parent IN ( $in ) AND post_type = 'revision' $like" );
		foreach ( $found as $text ) {
			$text->is_closing = $is_closing;
			$texts[]          = $text;
		}
	}
	return $texts;
}

/**
 * SQL for: this text is not a sound stub. As is_sound_stub has it.
 */
function unsound_sql(): string {
	return "( post_content NOT LIKE '%<!--paywall:rest %' OR SUBSTRING_INDEX( post_content, '<!--paywall:rest ', -1 ) NOT REGEXP '^[0-9a-f]{32}-->([[:space:]]|</[a-zA-Z][^>]*>|<!-- /wp:[a-z0-9_/-]+ -->|\\\\[/[a-zA-Z_][^][]*\\\\])*$' )";
}

/**
 * The rows that the markers in texts name.
 *
 * @param object[] $texts As texts_of gives them.
 * @return array<int, array<string, string>> By post ID and id.
 */
function rows_for( array $texts ): array {
	$ids = array();
	foreach ( $texts as $text ) {
		$ids = array_merge( $ids, Vault\ids_in( $text->post_content ) );
	}
	return Vault\read_rows( array_column( $texts, 'owner' ), $ids );
}

/**
 * Add rows in statements that every database takes.
 *
 * @param array[] $rows Of array( post ID, id, content ).
 */
function add_in_parts( array $rows ): bool {
	$part  = array();
	$bytes = 0;
	foreach ( $rows as $row ) {
		if ( $bytes + strlen( $row[2] ) > INSERT_BYTES_MAX && array() !== $part ) {
			if ( ! Vault\add_rows( $part ) ) {
				return false;
			}
			$part  = array();
			$bytes = 0;
		}
		$part[] = $row;
		$bytes += strlen( $row[2] );
	}
	return Vault\add_rows( $part );
}

/**
 * Write texts, each only over the one that was read.
 *
 * @param array[] $changes Of array( ID, owner, old text, new text ).
 * @return int[] The owners of those that were not written.
 */
function write( array $changes ): array {
	global $wpdb;

	$failed  = array();
	$content = '' === (string) $wpdb->charset ? 'post_content' : "CONVERT( post_content USING $wpdb->charset )";
	foreach ( $changes as list( $post_id, $owner, $old, $new ) ) {
		// phpcs:ignore WordPress.DB -- $content has names of the configuration only.
		if ( 1 !== $wpdb->query( $wpdb->prepare( "UPDATE $wpdb->posts SET post_content = %s WHERE ID = %d AND MD5( $content ) = %s", $new, $post_id, md5( $old ) ) ) ) {
			$failed[] = $owner;
		} else {
			Vault\note_given_up( $owner, array_diff( Vault\ids_in( $old ), Vault\ids_in( $new ) ) );
		}
	}
	return $failed;
}
