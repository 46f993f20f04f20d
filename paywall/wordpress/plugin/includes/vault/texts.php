<?php
/**
 * The texts of posts that the vault keeps, and how they are brought to what the policy asks for.
 *
 * A text is the content of a post or revision, of which the rest is kept; or its filtered content,
 * or what a page builder keeps in meta, which are kept as a whole.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Texts;

use Paywall\Vault;
use Paywall\Vault\Alarms;
use Paywall\Vault\Switching;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- it works on the rows themselves; a cache may be older.

const INSERT_BYTES_MAX = 524288;
const TRIES_MAX        = 3;
// The column that is the key of each column with a text.
const KEY_OF = array(
	'post_content'          => 'ID',
	'post_content_filtered' => 'ID',
	'meta_value'            => 'meta_id', // phpcs:ignore WordPress.DB.SlowDBQuery -- the name of a column, not a query.
);

/**
 * Store posts and their revisions as their policies ask for; many in one transaction.
 *
 * @param int[] $post_ids Posts, as many as fit in memory.
 * @param bool  $is_out   Open all of them, whatever the policy.
 * @param bool  $is_recut Cut again what is cut already.
 */
function apply_policies( array $post_ids, bool $is_out = false, bool $is_recut = false ): void {
	$is_out  = $is_out || Switching\is_off();
	$pending = $post_ids;
	for ( $try = 0; $try < TRIES_MAX && array() !== $pending; $try++ ) {
		$pending = apply_policies_once( $pending, $is_out, $is_recut );
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
function apply_policies_once( array $post_ids, bool $is_out, bool $is_recut ): array {
	global $wpdb;

	$closed                 = $is_out ? array() : array_values( array_filter( $post_ids, 'Paywall\Policy\is_gated' ) );
	$texts                  = array_merge(
		read( $closed, true, $is_recut ),
		read( array_values( array_diff( $post_ids, $closed ) ), false, false )
	);
	list( $changes, $rows ) = changes_of( $texts );
	if ( array() === $changes ) {
		return array();
	}
	// Many at once are faster in one. A single save may be within somebody else's.
	$is_many = count( $post_ids ) > 1;
	if ( $is_many ) {
		$wpdb->query( 'START TRANSACTION' );
	}
	$failed = add_in_parts( $rows ) ? write( $changes ) : array_column( $changes, 'owner' );
	if ( $is_many ) {
		$wpdb->query( 'COMMIT' );
	}
	// Only now: before the commit, another request would cache the old text again.
	foreach ( array_unique( array_merge( array_column( $changes, 'post_id' ), array_column( $changes, 'owner' ) ) ) as $post_id ) {
		clean_post_cache( (int) $post_id );
		wp_cache_delete( (int) $post_id, 'post_meta' );
	}
	return array_values( array_unique( array_map( 'intval', $failed ) ) );
}

/**
 * The texts of posts and their revisions that are not in the state that is wanted.
 *
 * @param int[] $post_ids   Posts.
 * @param bool  $is_closing What is wanted: stubs, or whole texts.
 * @param bool  $is_recut   Stubs, too, to cut them again.
 * @return object[] With field, row_id, post_id, owner, value and is_closing.
 */
function read( array $post_ids, bool $is_closing, bool $is_recut ): array {
	global $wpdb;

	if ( array() === $post_ids ) {
		return array();
	}
	$found = array();
	foreach ( array_keys( KEY_OF ) as $field ) {
		$where   = $is_closing ? ( $is_recut && 'post_content' === $field ? '1 = 1' : unsound_sql( $field ) ) : marked_sql( $field );
		$in      = implode( ', ', array_map( 'intval', $post_ids ) );
		$from    = from_sql( $field );
		$key     = KEY_OF[ $field ];
		$columns = "SELECT '$field' AS field, $key AS row_id, p.ID AS post_id";
		// phpcs:ignore WordPress.DB.PreparedSQL -- integers, constants, and keys that meta_keys_sql has prepared.
		$found = array_merge( $found, $wpdb->get_results( "$columns, p.ID AS owner, $field AS value $from AND p.ID IN ( $in ) AND $where UNION ALL $columns, p.post_parent AS owner, $field AS value $from AND p.post_parent IN ( $in ) AND p.post_type = 'revision' AND $where" ) );
	}
	foreach ( $found as $text ) {
		$text->is_closing = $is_closing;
	}
	return $found;
}

/**
 * SQL for the rows that have a field.
 *
 * @param string $field A key of KEY_OF.
 */
function from_sql( string $field ): string {
	global $wpdb;

	if ( 'meta_value' !== $field ) {
		return "FROM $wpdb->posts p WHERE 1 = 1";
	}
	$keys = implode( ', ', array_map( fn( $key ) => $wpdb->prepare( '%s', $key ), meta_keys() ) );
	return "FROM $wpdb->posts p JOIN $wpdb->postmeta m ON m.post_id = p.ID WHERE m.meta_key IN ( " . ( '' === $keys ? "''" : $keys ) . ' )';
}

/**
 * The keys under which page builders keep texts.
 *
 * @return string[]
 */
function meta_keys(): array {
	/**
	 * The keys of post meta that hold texts, as page builders keep them.
	 *
	 * @param string[] $keys The keys.
	 */
	$keys = apply_filters(
		'paywall_vault_meta_keys',
		array( '_elementor_data', '_fl_builder_data', '_fl_builder_draft', 'panels_data', '_bricks_page_content_2', 'ct_builder_shortcodes', 'ct_builder_json', '_et_pb_old_content' )
	);
	return array_values( array_filter( (array) $keys, 'is_string' ) );
}

/**
 * SQL for: this text has a marker.
 *
 * @param string $field A key of KEY_OF.
 */
function marked_sql( string $field ): string {
	return "$field LIKE '%<!--paywall:rest %'";
}

/**
 * SQL for: this text shows more than it may. For the content it is what is_sound_stub refuses, and
 * more: the expression has to mean the same in MariaDB and in MySQL 5.7 and 8, which read brackets
 * within a bracket expression differently.
 *
 * @param string $field A key of KEY_OF.
 */
function unsound_sql( string $field ): string {
	if ( 'post_content' !== $field ) {
		return "( $field <> '' AND $field NOT REGEXP '^<!--paywall:rest [0-9a-f]{32}-->$' )";
	}
	return "( post_content NOT LIKE '%<!--paywall:rest %' OR SUBSTRING_INDEX( post_content, '<!--paywall:rest ', -1 ) NOT REGEXP '^[0-9a-f]{32}-->([[:space:]]|</[a-zA-Z][^>]*>|<!-- /wp:[a-z0-9_/-]+ -->|\\\\[/[a-zA-Z_][a-zA-Z0-9_ -]*\\\\])*$' )";
}

/**
 * What has to be written for texts, and the rows that have to be there before.
 *
 * @param object[] $texts As read gives them.
 * @return array[] The texts, each with `wanted`, and the rows.
 */
function changes_of( array $texts ): array {
	$ids = array();
	foreach ( $texts as $text ) {
		$ids = array_merge( $ids, Vault\ids_in( $text->value ) );
	}
	$found   = Vault\read_rows( array_column( $texts, 'owner' ), $ids );
	$changes = array();
	$rows    = array();
	foreach ( $texts as $text ) {
		$owner = (int) $text->owner;
		$whole = Vault\expand_with( $text->value, $found[ $owner ] ?? array() );
		if ( is_row_missing( $text, $found[ $owner ] ?? array() ) ) {
			continue;
		}
		list( $wanted, $row ) = $text->is_closing ? stub_of( $whole, $owner, $text->field ) : array( $whole, null );
		if ( $wanted !== $text->value ) {
			$text->wanted = $wanted;
			$changes[]    = $text;
			$rows         = array_merge( $rows, null === $row ? array() : array( $row ) );
		}
	}
	return array( $changes, $rows );
}

/**
 * Whether a text stays as it is, because a row of its own is missing and may come back. A text that
 * shows too much is closed all the same: the marker may be one that somebody wrote there.
 *
 * @param object                $text As read gives it.
 * @param array<string, string> $rows Of its owner, by id.
 */
function is_row_missing( object $text, array $rows ): bool {
	$missing = array_diff( Vault\ids_in( $text->value ), array_map( 'strval', array_keys( $rows ) ) );
	if ( array() === $missing ) {
		return false;
	}
	return ! $text->is_closing || ( 'post_content' === $text->field && Vault\is_sound_stub( $text->value ) );
}

/**
 * The stub of a text and its row, see Vault\stub_of.
 *
 * @param string $whole The text.
 * @param int    $owner The post, or NEW_POST.
 * @param string $field A key of KEY_OF.
 */
function stub_of( string $whole, int $owner, string $field ): array {
	if ( 'post_content' === $field ) {
		return Vault\stub_of( $whole, $owner );
	}
	if ( '' === $whole ) {
		return array( '', null );
	}
	$id = Vault\id_of( $owner, $whole );
	return array( Vault\marker( $id ), array( $owner, $id, $whole ) );
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
 * @param object[] $changes As changes_of gives them.
 * @return int[] The owners of those that were not written.
 */
function write( array $changes ): array {
	global $wpdb;

	$failed = array();
	foreach ( $changes as $text ) {
		$table = 'meta_value' === $text->field ? $wpdb->postmeta : $wpdb->posts;
		$key   = KEY_OF[ $text->field ];
		$bytes = '' === (string) $wpdb->charset ? $text->field : "CONVERT( $text->field USING $wpdb->charset )";
		// phpcs:ignore WordPress.DB.PreparedSQL -- names of columns and of the configuration.
		if ( 1 !== Vault\query_unlogged( $wpdb->prepare( "UPDATE $table SET $text->field = %s WHERE $key = %d AND MD5( $bytes ) = %s", $text->wanted, $text->row_id, md5( $text->value ) ) ) ) {
			$failed[] = $text->owner;
		} elseif ( $text->is_closing && array() === Vault\ids_in( $text->value ) ) {
			Vault\keep_rows( (int) $text->owner );
		} elseif ( $text->is_closing ) {
			Vault\note_given_up( (int) $text->owner, array_diff( Vault\ids_in( $text->value ), Vault\ids_in( $text->wanted ) ) );
		}
	}
	return $failed;
}
