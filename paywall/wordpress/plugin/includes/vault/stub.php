<?php
/**
 * A stub is what `wp_posts` holds of a gated text: the head, a marker that names the rest, the tail.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault;

use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

// Not a block's comment: one of those turns off automatic paragraphs in classic texts.
const MARKER = '~<!--paywall:rest ([0-9a-f]{32})-->~';
// What may stand behind a marker.
const CLOSERS = '~^(?:\s|</[a-zA-Z][^>]*+>|<!-- /wp:[a-z0-9_/-]+ -->|\[/[a-zA-Z_][^\[\]]*+\])*+$~';

/**
 * The marker of a row.
 *
 * @param string $id The row's id.
 */
function marker( string $id ): string {
	return "<!--paywall:rest $id-->";
}

/**
 * Whether a text has a marker, and so is not whole.
 *
 * @param string $text Any text.
 */
function has_marker( string $text ): bool {
	return str_contains( $text, '<!--paywall:rest ' ) && 1 === preg_match( MARKER, $text );
}

/**
 * The ids that a text's markers name.
 *
 * @param string $text Any text.
 * @return string[]
 */
function ids_in( string $text ): array {
	if ( ! str_contains( $text, '<!--paywall:rest ' ) ) {
		return array();
	}
	preg_match_all( MARKER, $text, $found );
	return array_values( array_unique( $found[1] ) );
}

/**
 * The text with what the markers of this post's own rows stand for; other markers stay.
 *
 * @param string $text    A stub, or any text.
 * @param int    $post_id The post that owns the rows; of a revision, its post.
 */
function expand( string $text, int $post_id ): string {
	$ids = ids_in( $text );
	if ( array() === $ids || NEW_POST === $post_id ) {
		return $text;
	}
	$rows    = read_rows( array( $post_id ), $ids )[ $post_id ] ?? array();
	$missing = array_diff( $ids, array_map( 'strval', array_keys( $rows ) ) );
	if ( array() !== $missing ) {
		$rows += claim_missing( $post_id, $missing );
	}
	return expand_with( $text, $rows );
}

/**
 * Put the contents of rows in place of their markers.
 *
 * @param string                $text A stub, or any text.
 * @param array<string, string> $rows By id.
 */
function expand_with( string $text, array $rows ): string {
	// Not through a replacement string: a rest may hold `$1`.
	return (string) preg_replace_callback( MARKER, fn( $found ) => $rows[ $found[1] ] ?? $found[0], $text );
}

/**
 * A post whose first save was cut off did not get its rows: its stub names them all the same.
 *
 * @param int      $post_id A post.
 * @param string[] $ids     Rows that it does not have.
 * @return array<string, string>
 */
function claim_missing( int $post_id, array $ids ): array {
	$named = array_intersect( $ids, ids_in( stored_texts( $post_id ) ) );
	if ( array() === $named ) {
		return array();
	}
	claim_rows( $post_id, $named );
	return read_rows( array( $post_id ), $named )[ $post_id ] ?? array();
}

/**
 * What `wp_posts` holds now, past every cache.
 *
 * @param int $post_id A post or revision.
 */
function stored_content( int $post_id ): string {
	global $wpdb;

	return (string) $wpdb->get_var( $wpdb->prepare( "SELECT post_content FROM $wpdb->posts WHERE ID = %d", $post_id ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- on purpose.
}

/**
 * Content and filtered content, one behind the other.
 *
 * @param int $post_id A post or revision.
 */
function stored_texts( int $post_id ): string {
	global $wpdb;

	return (string) $wpdb->get_var( $wpdb->prepare( "SELECT CONCAT( post_content, post_content_filtered ) FROM $wpdb->posts WHERE ID = %d", $post_id ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- on purpose.
}

/**
 * Part a text by the settings of its post.
 *
 * @param string $text    The whole text.
 * @param int    $post_id The post; NEW_POST takes the site's settings.
 * @return string[] Head, rest and tail.
 */
function cut_for( string $text, int $post_id ): array {
	if ( '' !== own_preview( $post_id ) && has_content( $text ) ) {
		return array( '', $text, '' );
	}
	$own        = NEW_POST === $post_id ? '' : get_post_meta( $post_id, '_paywall_preview_paragraphs', true );
	$paragraphs = is_numeric( $own ) && $own >= 0 ? (int) $own : Settings\get( 'preview_paragraphs' );
	return cut( $text, $paragraphs, Settings\get( 'preview_share' ) );
}

/**
 * The preview that an editor wrote for a post, as HTML; it stands for the beginning of the text, of
 * which nothing is public then. Empty without one.
 *
 * @param int $post_id The post, or NEW_POST.
 */
function own_preview( int $post_id ): string {
	$own = NEW_POST === $post_id ? '' : get_post_meta( $post_id, '_paywall_preview_html', true );
	// Cleaned again: an import by SQL writes past the field's own function.
	return is_string( $own ) && '' !== trim( $own ) ? wpautop( wp_kses_post( $own ) ) : '';
}

/**
 * The stub of a text and the row that it needs.
 *
 * @param string $text    The whole text.
 * @param int    $post_id The post that owns the row, or NEW_POST.
 * @return array Of the stub and the row, which is null where nothing is to be kept.
 */
function stub_of( string $text, int $post_id ): array {
	list( $head, $rest, $tail ) = cut_for( $text, $post_id );
	if ( '' === $rest ) {
		return array( $text, null );
	}
	$id = id_of( $post_id, $rest );
	return array( $head . marker( $id ) . $tail, array( $post_id, $id, $rest ) );
}

/**
 * Whether a gated text shows no more than it may: one marker, and only closers behind it.
 *
 * @param string $text What `wp_posts` holds.
 */
function is_sound_stub( string $text ): bool {
	$parts = preg_split( MARKER, $text );
	return 2 === count( $parts ) && 1 === preg_match( CLOSERS, $parts[1] );
}

/**
 * The post that owns the rows of a post or revision.
 *
 * @param \WP_Post $post A post or revision.
 */
function owner_of( \WP_Post $post ): int {
	return 'revision' === $post->post_type ? (int) $post->post_parent : (int) $post->ID;
}

/**
 * The whole text of a post. If a row is missing, the marker is still in it: see has_marker.
 *
 * @param \WP_Post $post A post or revision.
 */
function whole( \WP_Post $post ): string {
	return expand( $post->post_content, owner_of( $post ) );
}

/**
 * What a post keeps from everybody.
 *
 * @param \WP_Post $post A post or revision.
 */
function rest_of( \WP_Post $post ): string {
	$whole = whole( $post );
	return implode( '', array_slice( cut_for( $whole, owner_of( $post ) ), 1, 1 ) );
}
