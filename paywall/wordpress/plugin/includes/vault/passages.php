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
 * Whether a text was made from another one: they share a passage, or there is nothing to share.
 *
 * @param string $text   A text.
 * @param string $source The other.
 */
function comes_from( string $text, string $source ): bool {
	return '' === letters_of( $source ) ? '' === letters_of( $text ) : has_any( $text, $source, '' );
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
	$plain   = html_entity_decode( Vault\strip( $text ), ENT_QUOTES | ENT_HTML5, 'UTF-8' );
	$letters = preg_replace( '~[^\p{L}\p{M}\p{N}]++~u', '', $plain );
	return mb_strtolower( $letters ?? $plain, 'UTF-8' );
}
