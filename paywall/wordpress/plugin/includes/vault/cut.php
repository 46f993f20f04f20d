<?php
/**
 * Cuts a text into what everybody may read and the rest. It knows nothing of WordPress.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault;

defined( 'ABSPATH' ) || exit;

// As WordPress finds it, with the block around it.
const MORE = '~(?:<!-- wp:more(?: [^>]*+)? -->\s*+)?<!--more(.*?)?-->(?:\s*+<!-- /wp:more -->)?~';
const PAGE = '~(?:<!-- wp:nextpage -->\s*+)?<!--nextpage-->~';

const MARKUP = '~<!--.*?(?:-->|\z)|<(script|style)\b.*?(?:</\1\s*+>|\z)|</?[a-z](?:"[^"]*+"|\'[^\']*+\'|[^\'">]++)*+>~is';

/**
 * The head, the rest and the tail. Together they are the text; the tail only closes what the head
 * opened. The head ends at the author's own marker, else after at most so many paragraphs and at
 * most this share of the visible text, else after words, else it is empty. It never reaches the
 * second page.
 *
 * @param string $text       The whole text.
 * @param int    $paragraphs At most so many in the head, where the author set no marker.
 * @param float  $share      At most this share of the visible text, from 0 to 1.
 * @return string[]
 */
function cut( string $text, int $paragraphs, float $share ): array {
	$bytes_max  = preg_match( PAGE, $text, $page, PREG_OFFSET_CAPTURE ) ? $page[0][1] : strlen( $text );
	$characters = (int) floor( count_visible( strip( $text ) ) * max( 0.0, min( 1.0, $share ) ) );
	$paragraphs = max( 0, min( 1000, $paragraphs ) );
	$has_marker = 1 === preg_match( MORE, $text, $more, PREG_OFFSET_CAPTURE );
	if ( $has_marker ) {
		$bytes_max  = min( $bytes_max, $more[0][1] + strlen( $more[0][0] ) );
		$paragraphs = PHP_INT_MAX;
		$characters = PHP_INT_MAX;
	}
	$cutter              = new Cutter( $text, $paragraphs, $characters, $bytes_max );
	list( $end, $start ) = $cutter->find();
	$rest                = substr( $text, $end, $start - $end );
	if ( ! has_content( $rest ) ) {
		// Only the author's marker may leave nothing to pay for.
		return $has_marker || ! has_content( $text ) ? array( $text, '', '' ) : array( '', $text, '' );
	}
	return array( substr( $text, 0, $end ), $rest, substr( $text, $start ) );
}

/**
 * Whether there is anything for a reader in it: words, pictures, blocks or shortcodes.
 *
 * A block that ends in `/-->` stands alone: its words are in its attributes.
 *
 * @param string $text Any part of a text.
 */
function has_content( string $text ): bool {
	return count_visible( strip( $text ) ) > 0
		|| str_contains( $text, '/-->' )
		|| 1 === preg_match( '~<(?:img|embed|video|audio|iframe|svg|object|math|input|script)\b~i', $text );
}

/**
 * The text without comments and tags; all of it where PHP gives up the search, so that it counts.
 *
 * @param string $text Any part of a text.
 */
function strip( string $text ): string {
	return preg_replace( MARKUP, '', $text ) ?? $text;
}

/**
 * Characters without spaces.
 *
 * @param string $text Text without tags.
 */
function count_visible( string $text ): int {
	return mb_strlen( preg_replace( '~(?:\s|&nbsp;)++~', '', $text ) ?? $text, 'UTF-8' );
}
