<?php
/**
 * Reading: the rest comes back on the page of a post that is granted, and nowhere else. What is gated
 * and not in the vault yet is cut here.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Reading;

use Paywall\Decisions;
use Paywall\Gate;
use Paywall\Policy;
use Paywall\Vault;
use Paywall\Vault\Passages;

defined( 'ABSPATH' ) || exit;

const EARLY     = -1000;
const LATE      = PHP_INT_MAX;
const NEXT_PAGE = '<!--nextpage-->';
const PAGES_MAX = 100;

/**
 * Add the hooks.
 */
function register(): void {
	add_filter( 'pre_handle_404', __NAMESPACE__ . '\open_single', 10, 2 );
	add_filter( 'content_pagination', __NAMESPACE__ . '\paginate', EARLY, 2 );
	add_filter( 'the_content', __NAMESPACE__ . '\expand_or_guard', EARLY );
	add_filter( 'the_content', __NAMESPACE__ . '\place_gate', LATE );
}

/**
 * Decide on the main query's post, and put its whole text in memory if it is granted.
 *
 * So early, because WordPress looks for the pages of the text next. The object is this request's
 * own: no cache gets it.
 *
 * @param mixed     $preempt Passed on.
 * @param \WP_Query $query   The main query.
 * @return mixed
 */
function open_single( $preempt, $query ) {
	$post = $query instanceof \WP_Query && $query->is_singular() ? $query->post : null;
	if ( ! $post instanceof \WP_Post || $query->is_feed() || $query->is_embed() || $query->is_trackback() ) {
		return $preempt;
	}
	$owner = Vault\owner_of( $post );
	if ( ! Vault\has_marker( $post->post_content ) && ! Policy\is_gated( $owner ) ) {
		return $preempt;
	}
	if ( is_free( $owner ) || Decisions\of_single( $owner )['granted'] ) {
		opened( $owner );
		$post->post_content = Vault\whole( $post );
	} elseif ( (int) $query->get( 'page' ) > 1 ) {
		show_gate_on_every_page( $post );
	}
	return $preempt;
}

/**
 * The later pages of a text exist for whoever may not read them, too: each shows the head and the gate.
 *
 * @param \WP_Post $post A post that is not granted, in memory.
 */
function show_gate_on_every_page( \WP_Post $post ): void {
	$pages = substr_count( Vault\whole( $post ), NEXT_PAGE ) + 1;
	$stub  = shown( $post->post_content, $post );
	if ( $pages > 1 && ! str_contains( $stub, NEXT_PAGE ) ) {
		$post->post_content = implode( NEXT_PAGE, array_fill( 0, min( $pages, PAGES_MAX ), $stub ) );
	}
}

/**
 * Whether this request shows the whole text of a post; an ID remembers that it does.
 *
 * @param int $add A post, or 0.
 * @return array<string, true> The posts, by site and ID.
 */
function opened( int $add = 0 ): array {
	static $opened = array();

	if ( $add > 0 ) {
		$opened[ get_current_blog_id() . ':' . $add ] = true;
	}
	return $opened;
}

/**
 * Whether the text of a post is shown whole: it is granted on its page, or free for everybody.
 *
 * @param int $owner A post.
 */
function is_open( int $owner ): bool {
	return isset( opened()[ get_current_blog_id() . ':' . $owner ] ) || is_free( $owner );
}

/**
 * Whether a post is for everybody, although its rest may still be in the vault.
 *
 * @param int $owner A post.
 */
function is_free( int $owner ): bool {
	return ! Policy\is_gated( $owner ) && is_post_publicly_viewable( $owner ) && ! post_password_required( $owner );
}

/**
 * The pages of a post's text.
 *
 * @param string[] $pages As WordPress split the text.
 * @param \WP_Post $post  The post, or what a theme took for one.
 */
function paginate( $pages, $post ) {
	if ( ! $post instanceof \WP_Post ) {
		return $pages;
	}
	$text  = $post->post_content;
	$shown = is_open( Vault\owner_of( $post ) ) ? Vault\whole( $post ) : shown( $text, $post );
	return $shown === $text ? $pages : pages_of( $shown );
}

/**
 * What may be shown of a text that is not open: of a gated one, the stub.
 *
 * @param string   $text The text.
 * @param \WP_Post $post Its post or revision.
 */
function shown( string $text, \WP_Post $post ): string {
	$owner = Vault\owner_of( $post );
	if ( ! Policy\is_gated( $owner ) ) {
		return $text;
	}
	if ( ! Vault\has_marker( $text ) ) {
		return Vault\stub_of( $text, $owner )[0];
	}
	// Once for each page, see show_gate_on_every_page.
	foreach ( explode( NEXT_PAGE, $text ) as $page ) {
		if ( ! Vault\is_sound_stub( $page ) ) {
			// Something was written behind the marker.
			return substr( $text, 0, strpos( $text, '-->', (int) strpos( $text, '<!--paywall:rest ' ) ) + 3 );
		}
	}
	return $text;
}

/**
 * A text in pages, as WordPress splits it.
 *
 * @param string $text The text.
 * @return string[]
 */
function pages_of( string $text ): array {
	if ( ! str_contains( $text, NEXT_PAGE ) ) {
		return array( $text );
	}
	foreach ( array( "\n" . NEXT_PAGE . "\n", "\n" . NEXT_PAGE, NEXT_PAGE . "\n" ) as $with_breaks ) {
		$text = str_replace( $with_breaks, NEXT_PAGE, $text );
	}
	$text = str_replace( array( '<!-- wp:nextpage -->', '<!-- /wp:nextpage -->' ), '', $text );
	if ( str_starts_with( $text, NEXT_PAGE ) ) {
		$text = substr( $text, strlen( NEXT_PAGE ) );
	}
	return explode( NEXT_PAGE, $text );
}

/**
 * Before the other filters: open what is open, and cut the global post's text where somebody
 * brought it past the pages.
 *
 * @param string $content The text.
 */
function expand_or_guard( $content ) {
	$post = get_post();
	if ( ! is_string( $content ) || ! $post instanceof \WP_Post ) {
		return $content;
	}
	$owner = Vault\owner_of( $post );
	if ( is_open( $owner ) ) {
		return Vault\expand( $content, $owner );
	}
	if ( '' === $content || Vault\is_sound_stub( $content ) || ! Policy\is_gated( $owner ) || post_password_required( $post ) ) {
		return $content;
	}
	$stored = Vault\stored_content( $owner );
	if ( Vault\is_sound_stub( $stored ) ) {
		// It cannot be the rest: that is not in the posts table.
		return $content;
	}
	if ( Vault\has_marker( $content ) ) {
		return shown( $content, $post );
	}
	list( $head, $rest, $tail ) = Vault\cut_for( $stored, $owner );
	return Passages\has_any( $content, $rest, $head . $tail ) ? Vault\stub_of( $content, $owner )[0] : $content;
}

/**
 * After the other filters: a marker that is left becomes the gate on the post's own page, and
 * nothing elsewhere, behind the editor's own preview. Markup that was opened before it is closed first.
 *
 * @param string $content The text, as HTML.
 */
function place_gate( $content ) {
	$post = get_post();
	if ( ! is_string( $content ) || ! $post instanceof \WP_Post ) {
		return $content;
	}
	$owner   = Vault\owner_of( $post );
	$is_page = is_singular() && ! is_feed() && ! is_embed() && is_main_query_post( $post );
	if ( ! Vault\has_marker( $content ) ) {
		// A page builder that got nothing to show leaves no marker either.
		$is_empty = $is_page && '' === trim( $content ) && Policy\is_gated( $owner ) && ! is_open( $owner );
		return $is_empty ? Vault\own_preview( $owner ) . Gate\markup( $owner ) : $content;
	}
	$gate    = Policy\is_gated( $owner ) ? Vault\own_preview( $owner ) : '';
	$gate   .= $is_page ? Gate\markup( $owner ) : '';
	$content = preg_replace( '~<p>\s*+(' . substr( Vault\MARKER, 1, -1 ) . ')\s*+</p>~', '$1', $content );
	$parts   = preg_split( '~<!--paywall:rest [0-9a-f]{32}-->((?:\s*+</[a-zA-Z][^>]*+>)*+)~', $content, -1, PREG_SPLIT_DELIM_CAPTURE );
	$last    = array_pop( $parts );
	return implode( '', $parts ) . $gate . $last;
}

/**
 * Whether a post is the one that the page is about.
 *
 * @param \WP_Post $post A post or revision.
 */
function is_main_query_post( \WP_Post $post ): bool {
	return ! wp_doing_ajax() && ! ( defined( 'REST_REQUEST' ) && REST_REQUEST ) && get_queried_object_id() === Vault\owner_of( $post );
}
