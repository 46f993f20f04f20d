<?php
/**
 * The table of the vault: rows are added and never changed, so a stub always finds its rest.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- the plug-in's own table; an object cache would hold bodies.

// The post of rows whose post has no ID yet.
const NEW_POST = 0;

/**
 * Make the table known to WordPress.
 */
function register_table(): void {
	global $wpdb;

	if ( ! in_array( 'paywall_bodies', $wpdb->tables, true ) ) {
		$wpdb->tables[] = 'paywall_bodies';
	}
	$wpdb->paywall_bodies = $wpdb->prefix . 'paywall_bodies';
}

/**
 * Create the table of this site.
 *
 * Every column has the charset of the texts in `wp_posts`: wpdb refuses what it cannot write in all
 * columns of a query.
 */
function create_table(): void {
	global $wpdb;

	register_table();
	$column  = $wpdb->get_row( "SHOW FULL COLUMNS FROM $wpdb->posts LIKE 'post_content'" );
	$collate = $column->Collation; // phpcs:ignore WordPress.NamingConventions.ValidVariableName -- MySQL's name.
	$charset = explode( '_', $collate )[0];
	// phpcs:ignore WordPress.DB.PreparedSQL -- names that the database gave.
	$wpdb->query( "CREATE TABLE IF NOT EXISTS $wpdb->paywall_bodies ( post_id bigint(20) unsigned NOT NULL, id varchar(32) NOT NULL, content longtext NOT NULL, updated datetime NOT NULL, PRIMARY KEY (post_id, id), KEY id (id) ) ENGINE=InnoDB DEFAULT CHARACTER SET $charset COLLATE $collate" );
}

/**
 * The id of a row: the same text of a post has the same, and nobody outside can compute it.
 *
 * @param int    $post_id NEW_POST for a post that has no ID yet.
 * @param string $content What the row holds.
 */
function id_of( int $post_id, string $content ): string {
	if ( NEW_POST === $post_id ) {
		return bin2hex( random_bytes( 16 ) );
	}
	return substr( hash_hmac( 'sha256', $content, wp_salt() . 'paywall vault' ), 0, 32 );
}

/**
 * Add rows, and read them back.
 *
 * @param array[] $rows Of array( post ID, id, content ).
 * @return bool Whether all are there, byte for byte.
 */
function add_rows( array $rows ): bool {
	global $wpdb;

	if ( array() === $rows ) {
		return true;
	}
	$values = array();
	foreach ( $rows as list( $post_id, $id, $content ) ) {
		$values[] = $wpdb->prepare( '(%d, %s, %s, UTC_TIMESTAMP())', $post_id, $id, $content );
	}
	// A row that is there already is in use again.
	// phpcs:ignore WordPress.DB.PreparedSQL -- prepared above.
	$added = query_unlogged( "INSERT INTO $wpdb->paywall_bodies (post_id, id, content, updated) VALUES " . implode( ', ', $values ) . ' ON DUPLICATE KEY UPDATE updated = VALUES(updated)' );
	if ( false === $added ) {
		return false;
	}
	$found = read_rows( array_column( $rows, 0 ), array_column( $rows, 1 ) );
	foreach ( $rows as list( $post_id, $id, $content ) ) {
		if ( ( $found[ $post_id ][ $id ] ?? null ) !== $content ) {
			return false;
		}
	}
	return true;
}

/**
 * Run a query that holds a paid text. Should it fail, WordPress would log all of it, in a file that
 * many sites serve to everybody.
 *
 * @param string $query Prepared.
 * @return int|bool As wpdb::query.
 */
function query_unlogged( string $query ) {
	global $wpdb;

	$before = $wpdb->suppress_errors( true );
	$result = $wpdb->query( $query ); // phpcs:ignore WordPress.DB.PreparedSQL -- who calls has prepared it.
	$wpdb->suppress_errors( $before );
	return $result;
}

/**
 * What rows hold.
 *
 * @param int[]    $post_ids Of these posts.
 * @param string[] $ids      With these ids.
 * @return array<int, array<string, string>> By post ID and id.
 */
function read_rows( array $post_ids, array $ids ): array {
	global $wpdb;

	if ( array() === $post_ids || array() === $ids ) {
		return array();
	}
	$posts  = implode( ', ', array_map( 'intval', array_unique( $post_ids ) ) );
	$ids    = array_values( array_unique( $ids ) );
	$places = implode( ', ', array_fill( 0, count( $ids ), '%s' ) );
	// phpcs:ignore WordPress.DB.PreparedSQL, WordPress.DB.PreparedSQLPlaceholders -- integers and placeholders.
	$found = $wpdb->get_results( $wpdb->prepare( "SELECT post_id, id, content FROM $wpdb->paywall_bodies WHERE post_id IN ( $posts ) AND id IN ( $places )", $ids ) );
	$rows  = array();
	foreach ( $found as $row ) {
		$rows[ (int) $row->post_id ][ $row->id ] = $row->content;
	}
	return $rows;
}

/**
 * Give a post the rows that were added before it had an ID.
 *
 * @param int      $post_id The post, as its row in `wp_posts` names them.
 * @param string[] $ids     Which.
 */
function claim_rows( int $post_id, array $ids ): void {
	global $wpdb;

	$rows = array();
	foreach ( read_rows( array( NEW_POST ), $ids )[ NEW_POST ] ?? array() as $id => $content ) {
		$rows[] = array( $post_id, (string) $id, $content );
	}
	if ( array() !== $rows && add_rows( $rows ) ) {
		foreach ( $rows as $row ) {
			$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->paywall_bodies WHERE post_id = 0 AND id = %s", $row[1] ) );
		}
	}
}

/**
 * The posts that have a row.
 *
 * @param string $id Its id.
 * @return int[]
 */
function owners_of( string $id ): array {
	global $wpdb;

	return array_map( 'intval', $wpdb->get_col( $wpdb->prepare( "SELECT post_id FROM $wpdb->paywall_bodies WHERE id = %s AND post_id <> 0", $id ) ) );
}

/**
 * Note that stubs give up rows now: they are kept for a time that starts here.
 *
 * @param int      $post_id The post.
 * @param string[] $ids     Which rows.
 */
function note_given_up( int $post_id, array $ids ): void {
	global $wpdb;

	foreach ( $ids as $id ) {
			$wpdb->query( $wpdb->prepare( "UPDATE $wpdb->paywall_bodies SET updated = UTC_TIMESTAMP() WHERE post_id = %d AND id = %s", $post_id, $id ) );
	}
}

/**
 * Keep all rows of a post for a time that starts now: its stub was lost past the plug-in, and an
 * older row may hold what somebody misses.
 *
 * @param int $post_id The post.
 */
function keep_rows( int $post_id ): void {
	global $wpdb;

	$wpdb->query( $wpdb->prepare( "UPDATE $wpdb->paywall_bodies SET updated = UTC_TIMESTAMP() WHERE post_id = %d", $post_id ) );
}

/**
 * A post is saved: keep what it may give up by that, for a time that starts now.
 *
 * @param int $post_id The post, or NEW_POST.
 */
function keep_current_rows( int $post_id ): void {
	$ids = NEW_POST === $post_id ? array() : ids_in( stored_content( $post_id ) );
	if ( array() !== $ids ) {
		note_given_up( $post_id, $ids );
	} elseif ( NEW_POST !== $post_id ) {
		keep_rows( $post_id );
	}
}
