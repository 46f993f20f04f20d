<?php
/**
 * Who looks at a page: the ids by which the service knows readers and visitors.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Viewer;

use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const VISITOR_COOKIE    = 'paywall_visitor';
const VISITOR_ID_BYTES  = 16;
const ID_CHARACTERS_MAX = 200;

/**
 * The service's id of a user; null for nobody, and for a user whom the site's own filter leaves out.
 *
 * @param int $user_id 0 for nobody.
 */
function reader_id( int $user_id ): ?string {
	if ( $user_id <= 0 ) {
		return null;
	}
	/**
	 * The id by which the service knows a user.
	 *
	 * @param string $reader_id The user's ID with the prefix of the settings.
	 * @param int    $user_id   The user's ID.
	 */
	$reader_id = apply_filters( 'paywall_reader_id', Settings\get( 'reader_prefix' ) . $user_id, $user_id );
	return as_id( $reader_id );
}

/**
 * The service's id of a post.
 *
 * @param int $post_id A post.
 */
function article_id( int $post_id ): string {
	$own = Settings\get( 'article_prefix' ) . $post_id;
	/**
	 * The id by which the service knows a post.
	 *
	 * @param string $article_id The post's ID with the prefix of the settings.
	 * @param int    $post_id    The post's ID.
	 */
	return as_id( apply_filters( 'paywall_article_id', $own, $post_id ) ) ?? $own;
}

/**
 * The id of a visitor who is not signed in; the first page that needs one makes it.
 *
 * Pages that come from a cache must not set cookies, so only pages that count views ask for it.
 */
function visitor_id(): string {
	static $visitor_id = null;

	if ( null === $visitor_id ) {
		$sent = isset( $_COOKIE[ VISITOR_COOKIE ] ) && is_string( $_COOKIE[ VISITOR_COOKIE ] )
			? sanitize_key( wp_unslash( $_COOKIE[ VISITOR_COOKIE ] ) ) : '';
		if ( 1 === preg_match( '/^[0-9a-f]{32}$/D', $sent ) ) {
			$visitor_id = $sent;
		} else {
			$visitor_id = bin2hex( random_bytes( VISITOR_ID_BYTES ) );
			set_cookie( $visitor_id );
		}
	}
	return $visitor_id;
}

/**
 * Send the visitor's cookie, if it is not too late for that.
 *
 * @param string $visitor_id What it holds.
 */
function set_cookie( string $visitor_id ): void {
	if ( headers_sent() ) {
		return;
	}
	$options = array(
		'expires'  => time() + YEAR_IN_SECONDS,
		'path'     => COOKIEPATH ? COOKIEPATH : '/',
		'domain'   => COOKIE_DOMAIN ? COOKIE_DOMAIN : '',
		'secure'   => is_ssl(),
		'httponly' => true,
		'samesite' => 'Lax',
	);
	setcookie( VISITOR_COOKIE, $visitor_id, $options );
}

/**
 * Whether this request shows a post to a person, and a view of it may be counted.
 *
 * @param int $post_id A post.
 */
function is_counted_view( int $post_id ): bool {
	return 'GET' === server_value( 'REQUEST_METHOD' )
		&& ! is_prefetch()
		&& ! wp_doing_ajax()
		&& ! wp_doing_cron()
		&& ! ( defined( 'REST_REQUEST' ) && REST_REQUEST )
		&& ! ( defined( 'XMLRPC_REQUEST' ) && XMLRPC_REQUEST )
		&& ! is_admin()
		&& ! is_feed()
		&& ! is_embed()
		&& ! is_trackback()
		&& ! is_preview()
		&& ! is_customize_preview()
		&& is_singular()
		&& get_queried_object_id() === $post_id;
}

/**
 * Whether a browser asks for the page before its reader does.
 */
function is_prefetch(): bool {
	$purpose = server_value( 'HTTP_SEC_PURPOSE' ) . server_value( 'HTTP_PURPOSE' ) . server_value( 'HTTP_X_MOZ' );
	return str_contains( strtolower( $purpose ), 'pre' );
}

/**
 * A header or another value of the request.
 *
 * @param string $name Its key in $_SERVER.
 */
function server_value( string $name ): string {
	return isset( $_SERVER[ $name ] ) && is_string( $_SERVER[ $name ] )
		? sanitize_text_field( wp_unslash( $_SERVER[ $name ] ) ) : '';
}

/**
 * What a filter returned, if the service can take it as an id.
 *
 * @param mixed $value Of a filter.
 */
function as_id( $value ): ?string {
	$id = is_scalar( $value ) ? trim( (string) $value ) : '';
	return '' !== $id && '.' !== $id && '..' !== $id && mb_strlen( $id ) <= ID_CHARACTERS_MAX
		&& 1 === preg_match( '#^[^\x00-\x1f\x7f/\\\\]+$#Du', $id ) ? $id : null;
}
