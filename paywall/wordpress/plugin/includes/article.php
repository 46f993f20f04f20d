<?php
/**
 * A post as the service knows it.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Article;

use Paywall\Policy;
use Paywall\Publishing;
use Paywall\Service;
use Paywall\Settings;
use Paywall\Vault;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

const BODY_BYTES_MAX      = 3145728;
const LINE_CHARACTERS_MAX = 2000;
const LANGUAGE_PATTERN    = '/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/D';
const TAGS_MAX            = 100;
// As the vault marks the place of the rest.
const MARKER_PATTERN = '/<!--paywall:rest [^>]*-->/';

/**
 * Send a post as it is now: a public one is published, any other removed.
 *
 * @param int $post_id A post; it may be deleted.
 * @return array{status:int, body:array|null, error:string} Of the service.
 */
function send( int $post_id ): array {
	$post = current( $post_id );
	$path = Service\path( '/v1/articles/%s', Viewer\article_id( $post_id ) );
	if ( ! Publishing\is_public( $post ) ) {
		return Service\request( 'DELETE', $path, null, true );
	}
	return Service\request( 'PUT', $path, describe( $post ), true );
}

/**
 * A post as it is now: another process may have changed it since this one has read it.
 *
 * @param int $post_id A post; it may be deleted.
 */
function current( int $post_id ): ?\WP_Post {
	clean_post_cache( $post_id );
	return get_post( $post_id );
}

/**
 * What the service is given.
 *
 * @param \WP_Post $post A public post.
 */
function describe( \WP_Post $post ): array {
	$terms    = Policy\of( $post->ID );
	$language = get_bloginfo( 'language' );
	$article  = array(
		'title'        => plain( $post->post_title ),
		'url'          => mb_substr( (string) get_permalink( $post ), 0, LINE_CHARACTERS_MAX ),
		'policy'       => $terms['policy'],
		'unlock_cost'  => max( 1, (int) $terms['cost'] ),
		'language'     => 1 === preg_match( LANGUAGE_PATTERN, $language ) ? $language : null,
		'tags'         => tags( $post ),
		'published_at' => get_post_time( DATE_ATOM, true, $post ),
	);
	return $article + text( $post, $terms['policy'] );
}

/**
 * The body and its preview. The service keeps the body of what is behind the gate, so that
 * `paywall leaks` can compare; what everybody reads stays here.
 *
 * @param \WP_Post $post   A public post.
 * @param string   $policy Its policy.
 */
function text( \WP_Post $post, string $policy ): array {
	if ( 'free' === $policy ) {
		return array( 'body_html' => null );
	}
	try {
		$body    = render( Vault\whole( $post ), $post );
		$preview = preview( $post );
	} catch ( \Throwable $error ) {
		// A block or shortcode that fails must not keep the policy from the service.
		return array( 'body_html' => null );
	}
	if ( strlen( Service\encode( array( $body, $preview ) ) ) > BODY_BYTES_MAX ) {
		return array( 'body_html' => null );
	}
	return array(
		'body_html' => $body,
		'preview'   => $preview,
	);
}

/**
 * The preview: the editor's own, or what stands before the vault's marker.
 *
 * @param \WP_Post $post A public post.
 */
function preview( \WP_Post $post ): array {
	$own = get_post_meta( $post->ID, '_paywall_preview_html', true );
	if ( is_string( $own ) && '' !== trim( $own ) ) {
		return array( 'html' => clean( $own ) );
	}
	if ( 1 === preg_match( MARKER_PATTERN, $post->post_content ) ) {
		return array( 'html' => render( preg_replace( MARKER_PATTERN, '', $post->post_content ), $post ) );
	}
	return array( 'paragraphs' => Settings\get( 'preview_paragraphs' ) );
}

/**
 * HTML as the post's page has it, without what is for that page alone.
 *
 * @param string   $text  As it is stored.
 * @param \WP_Post $owner The post.
 */
function render( string $text, \WP_Post $owner ): string {
	global $post;
	$before = $post;
	$post   = $owner; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- blocks and shortcodes ask for it; put back below.
	setup_postdata( $owner );
	try {
		if ( has_blocks( $text ) ) {
			$html = wptexturize( do_blocks( $text ) );
		} else {
			$html = shortcode_unautop( wpautop( wptexturize( $text ) ) );
		}
		$html = do_shortcode( $html );
	} finally {
		$post = $before; // phpcs:ignore WordPress.WP.GlobalVariablesOverride -- as it was.
		wp_reset_postdata();
	}
	return clean( $html );
}

/**
 * Names of the categories and tags.
 *
 * @param \WP_Post $post A post.
 * @return string[]
 */
function tags( \WP_Post $post ): array {
	$names = array();
	foreach ( array( 'category', 'post_tag' ) as $taxonomy ) {
		$terms = get_the_terms( $post, $taxonomy );
		foreach ( is_array( $terms ) ? $terms : array() as $term ) {
			$names[] = mb_substr( plain( $term->name ), 0, 200 );
		}
	}
	return array_slice( array_values( array_unique( array_filter( $names ) ) ), 0, TAGS_MAX );
}

/**
 * A line of text without markup.
 *
 * @param string $html With markup and entities.
 */
function plain( string $html ): string {
	$text = html_entity_decode( wp_strip_all_tags( $html, true ), ENT_QUOTES | ENT_HTML5, 'UTF-8' );
	return trim( (string) preg_replace( '/[\x00-\x1f\x7f\x{80}-\x{9f}\x{2028}\x{2029}]+/u', ' ', clean( $text ) ) );
}

/**
 * Text as the service takes it: valid UTF-8 without NUL.
 *
 * @param string $text Any.
 */
function clean( string $text ): string {
	return str_replace( "\0", '', mb_scrub( $text, 'UTF-8' ) );
}
