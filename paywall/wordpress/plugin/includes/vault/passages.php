<?php
/**
 * Whether one text was made from another, by passages that both have.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Passages;

use Paywall\Vault;

defined( 'ABSPATH' ) || exit;

const PASSAGE_CHARACTERS = 20;
const PASSAGES_MAX       = 200;

/**
 * Whether a text was made from another one: it has half of its words, or neither has any.
 *
 * @param string $text   A text.
 * @param string $source The other.
 */
function comes_from( string $text, string $source ): bool {
	$words = array_unique( words_of( $source ) );
	$known = words_of( $text );
	return array() === $words ? array() === $known : 2 * count( array_intersect( $words, $known ) ) >= count( $words );
}

/**
 * Whether a text has a passage of another one that is not known from elsewhere.
 *
 * @param string $text   A text.
 * @param string $source The other.
 * @param string $known  Passages in here do not count.
 */
function has_any( string $text, string $source, string $known ): bool {
	$letters = letters_of( $source );
	if ( '' === $letters ) {
		return '' !== trim( $source ) && str_contains( $text, trim( $source ) );
	}
	$text   = letters_of( $text );
	$known  = letters_of( $known );
	$length = mb_strlen( $letters, 'UTF-8' );
	$step   = max( PASSAGE_CHARACTERS, (int) ceil( $length / PASSAGES_MAX ) );
	for ( $at = 0; $at < $length; $at += $step ) {
		$passage = mb_substr( $letters, $at, PASSAGE_CHARACTERS, 'UTF-8' );
		if ( str_contains( $text, $passage ) && ! str_contains( $known, $passage ) ) {
			return true;
		}
	}
	return false;
}

/**
 * The letters and digits of a text, in lower case.
 *
 * @param string $text Any text.
 */
function letters_of( string $text ): string {
	return implode( '', words_of( $text ) );
}

/**
 * The words of a text, in lower case; what stands between two spaces where words are not parted.
 *
 * @param string $text Any text.
 * @return string[]
 */
function words_of( string $text ): array {
	$plain = mb_strtolower( html_entity_decode( Vault\strip( $text ), ENT_QUOTES | ENT_HTML5, 'UTF-8' ), 'UTF-8' );
	$words = preg_split( '~[^\p{L}\p{M}\p{N}]++~u', $plain, -1, PREG_SPLIT_NO_EMPTY );
	return false === $words ? array( $plain ) : $words;
}
