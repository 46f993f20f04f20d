<?php
/**
 * Finds where the public part of a text ends.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault;

defined( 'ABSPATH' ) || exit;

/**
 * One pass over the tokens of a text. It knows what is open at each place, and so where a cut leaves
 * whole HTML: where nothing is open, or where the text's last closers close exactly what is open.
 */
final class Cutter {

	// Comments, raw elements, tags and shortcodes; everything else is text.
	private const TOKEN = '~<!--.*?(?:-->|\z)'
		. '|<(script|style|textarea|iframe|noscript|template|svg|math|object)\b.*?(?:</\1\s*+>|\z)'
		. '|</?[a-z](?:"[^"]*+"|\'[^\']*+\'|[^\'">]++)*+>'
		. '|\[/?[a-z_][^\[\]<>]*+\]~is';

	private const BLOCK = '~^<!--\s++(/?)wp:([a-z][a-z0-9_/-]*+)\s.*?(/?)-->$~s';

	private const VOID_TAGS = array( 'area', 'base', 'br', 'col', 'embed', 'hr', 'img', 'input', 'link', 'meta', 'source', 'track', 'wbr' );

	// A second one of these ends the first, as in browsers.
	private const ENDED_BY_THE_NEXT = array( 'p', 'li', 'dt', 'dd', 'tr', 'td', 'th', 'option' );

	private const PARAGRAPH = '~^(?:wp:.+|p|div|section|article|aside|header|footer|main|nav|address|h[1-6]|[uod]l|table|figure|blockquote|pre|form|fieldset|details|hr)$~';

	// What readers see although it has no words.
	private const MEDIA = array( 'img', 'embed', 'video', 'audio', 'iframe', 'svg', 'object', 'math', 'input' );

	/**
	 * Each token as array( text, offset ).
	 *
	 * @var array
	 */
	private $tokens = array();

	/**
	 * The names of what is open, outermost first.
	 *
	 * @var string[]
	 */
	private $open = array();

	/**
	 * The closers at the text's end as array( name, offset ), last one first.
	 *
	 * @var array
	 */
	private $closers = array();

	/**
	 * Paragraphs that have ended so far.
	 *
	 * @var int
	 */
	private $paragraphs = 0;

	/**
	 * Visible characters so far.
	 *
	 * @var int
	 */
	private $characters = 0;

	/**
	 * Whether something visible came since the last end of a paragraph.
	 *
	 * @var bool
	 */
	private $begun = false;

	/**
	 * Where head and tail may part: array( end of head, start of tail, visible characters ).
	 *
	 * @var array
	 */
	private $best;

	/**
	 * The same within the first paragraph; null before any.
	 *
	 * @var array|null
	 */
	private $best_in_words = null;

	/**
	 * Prepare one text.
	 *
	 * @param string $text             The whole text.
	 * @param int    $paragraphs_max   Paragraphs that the head may have; PHP_INT_MAX where a marker ends it.
	 * @param int    $characters_max   Visible characters that the head may have.
	 * @param int    $bytes_max        The head ends here at the latest.
	 */
	public function __construct(
		private string $text,
		private int $paragraphs_max,
		private int $characters_max,
		private int $bytes_max,
	) {
		$this->best = array( 0, strlen( $text ), 0 );
		$found      = preg_match_all( self::TOKEN, $text, $matches, PREG_OFFSET_CAPTURE );
		if ( $found ) {
			$this->tokens = $matches[0];
		} elseif ( false === $found ) {
			$this->bytes_max = 0;
		}
		$this->find_closers();
	}

	/**
	 * Where the head ends and where the tail starts.
	 *
	 * @return int[]
	 */
	public function find(): array {
		$offset = 0;
		foreach ( $this->tokens as list( $token, $start ) ) {
			if ( ! $this->pass_text( $offset, $start ) ) {
				return $this->found();
			}
			$offset = $start + strlen( $token );
			if ( $offset > $this->bytes_max || ( $this->pass_token( $token ) && ! $this->may_end( $offset ) ) ) {
				return $this->found();
			}
			if ( $offset === $this->bytes_max && PHP_INT_MAX === $this->paragraphs_max ) {
				$this->may_end( $offset );
			}
		}
		$this->pass_text( $offset, strlen( $this->text ) );
		return $this->found();
	}

	/**
	 * Whole paragraphs if there is one, else words.
	 *
	 * @return int[]
	 */
	private function found(): array {
		$found = 0 === $this->best[2] && null !== $this->best_in_words ? $this->best_in_words : $this->best;
		return array( $found[0], $found[1] );
	}

	/**
	 * Text between two tokens. False when the head is full.
	 *
	 * @param int $start Of the text.
	 * @param int $end   Of the text.
	 */
	private function pass_text( int $start, int $end ): bool {
		if ( $start >= $end ) {
			return true;
		}
		$text  = substr( $this->text, $start, $end - $start );
		$parts = preg_split( '~(\n[ \t\r]*+\n\s*+)~', $text, -1, PREG_SPLIT_DELIM_CAPTURE );
		if ( false === $parts ) {
			return false;
		}
		foreach ( $parts as $index => $part ) {
			$is_blank_line = 1 === $index % 2;
			$visible       = count_visible( $part );
			if ( $visible > 0 ) {
				$this->note_words( $part, $start );
				$this->begun       = true;
				$this->characters += $visible;
			}
			$start += strlen( $part );
			if ( $is_blank_line && $this->begun && ! $this->may_end( $start ) ) {
				return false;
			}
		}
		return true;
	}

	/**
	 * Remember the last end of a word that fits, in the first paragraph.
	 *
	 * @param string $part  Text without tags.
	 * @param int    $start Its offset.
	 */
	private function note_words( string $part, int $start ): void {
		$tail = $this->tail_start( $start );
		if ( null === $tail || $this->paragraphs > 0 || 0 === $this->paragraphs_max ) {
			return;
		}
		// Khmer has few spaces: a zero-width space or its full stop ends a word as well.
		$ends = array();
		preg_match_all( '~[ \t\r\n]++|\xE2\x80\x8B|\xE1\x9F\x94~', $part, $ends, PREG_OFFSET_CAPTURE );
		$characters = $this->characters;
		$seen       = 0;
		foreach ( $ends[0] as list( $gap, $at ) ) {
			$end         = $at + strlen( $gap );
			$characters += count_visible( substr( $part, $seen, $end - $seen ) );
			$seen        = $end;
			if ( $characters > $this->characters_max || $start + $end > $this->bytes_max ) {
				return;
			}
			if ( $characters > 0 ) {
				$this->best_in_words = array( $start + $end, $tail, $characters );
			}
		}
	}

	/**
	 * A comment, tag or shortcode. True when a paragraph may end after it.
	 *
	 * @param string $token The token.
	 */
	private function pass_token( string $token ): bool {
		list( $name, $kind ) = $this->name_of( $token );
		if ( '' === $name ) {
			return false;
		}
		if ( 'close' === $kind ) {
			$this->close( $name );
		} elseif ( 'open' === $kind ) {
			if ( in_array( $name, self::ENDED_BY_THE_NEXT, true ) && end( $this->open ) === $name ) {
				array_pop( $this->open );
			}
			$this->open[] = $name;
		}
		$is_shown_alone = 'alone' === $kind && ( '[' === $name[0] || str_starts_with( $name, 'wp:' ) );
		if ( $is_shown_alone || in_array( $name, self::MEDIA, true ) ) {
			$this->begun = true;
		}
		return 'open' !== $kind && 1 === preg_match( self::PARAGRAPH, $name );
	}

	/**
	 * The name of a token, and whether it opens, closes or stands alone; no name where it does not matter.
	 *
	 * @param string $token The token.
	 * @return string[]
	 */
	private function name_of( string $token ): array {
		if ( str_starts_with( $token, '<!--' ) ) {
			if ( ! preg_match( self::BLOCK, $token, $found ) ) {
				return array( '', '' );
			}
			$kind = '' !== $found[3] ? 'alone' : 'open';
			return array( 'wp:' . $found[2], '' !== $found[1] ? 'close' : $kind );
		}
		$is_closer = '/' === $token[1];
		preg_match( '~[a-z_][a-z0-9_:-]*~i', $token, $found );
		$name = strtolower( $found[0] );
		if ( '[' === $token[0] ) {
			$is_container = $is_closer || false !== stripos( $this->text, '[/' . $found[0] . ']' );
			return array( '[' . $name, $is_closer ? 'close' : ( $is_container ? 'open' : 'alone' ) );
		}
		$stands_alone = in_array( $name, self::VOID_TAGS, true ) || preg_match( '~</[^>]*>$~', substr( $token, 1 ) );
		return array( $name, $is_closer ? 'close' : ( $stands_alone ? 'alone' : 'open' ) );
	}

	/**
	 * A closer ends what it names, with all that was left open in it; one of nothing is passed over.
	 *
	 * @param string $name What is closed.
	 */
	private function close( string $name ): void {
		$at = array_search( $name, array_reverse( $this->open, true ), true );
		if ( false !== $at ) {
			$this->open = array_slice( $this->open, 0, $at );
		}
	}

	/**
	 * A paragraph may end here. False when the head has become too long.
	 *
	 * @param int $offset The end of the head, if it is taken.
	 */
	private function may_end( int $offset ): bool {
		if ( $this->begun ) {
			++$this->paragraphs;
			$this->begun = false;
		}
		if ( $this->paragraphs > $this->paragraphs_max || $this->characters > $this->characters_max || $offset > $this->bytes_max ) {
			return false;
		}
		$tail = $this->tail_start( $offset );
		if ( null !== $tail ) {
			$this->best = array( $offset, $tail, $this->characters );
		}
		return true;
	}

	/**
	 * Where the closers start that close exactly what is open; null where there are none such.
	 *
	 * @param int $offset The end of the head.
	 */
	private function tail_start( int $offset ): ?int {
		$start = strlen( $this->text );
		foreach ( $this->open as $index => $name ) {
			if ( ! isset( $this->closers[ $index ] ) || $this->closers[ $index ][0] !== $name ) {
				return null;
			}
			$start = $this->closers[ $index ][1];
		}
		return $start < $offset ? null : $start;
	}

	/**
	 * Read the closers at the end of the text, backwards to the first thing that closes nothing.
	 */
	private function find_closers(): void {
		$end = strlen( $this->text );
		foreach ( array_reverse( $this->tokens ) as list( $token, $start ) ) {
			$after               = $start + strlen( $token );
			list( $name, $kind ) = $this->name_of( $token );
			if ( 'close' !== $kind || '' !== trim( substr( $this->text, $after, $end - $after ) ) ) {
				return;
			}
			$this->closers[] = array( $name, $start );
			$end             = $start;
		}
	}
}
