<?php
/**
 * Keeps pages that are for one reader out of every cache.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Caching;

use Paywall\Decisions;
use Paywall\Policy;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'template_redirect', __NAMESPACE__ . '\send_headers', 0 );
}

/**
 * No cache may keep this page: neither a plug-in of WordPress, nor a proxy, nor a browser.
 */
function refuse(): void {
	is_refused( true );
	if ( ! defined( 'DONOTCACHEPAGE' ) ) {
		define( 'DONOTCACHEPAGE', true ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals -- the name that the plug-ins for caches agree on.
	}
	if ( ! headers_sent() ) {
		nocache_headers();
		header( 'Cache-Control: private, no-store, no-cache, max-age=0, must-revalidate' );
	}
}

/**
 * Whether caches were refused; `true` remembers it.
 *
 * @param bool $now What to remember.
 */
function is_refused( bool $now = false ): bool {
	static $is_refused = false;

	$is_refused = $is_refused || $now;
	return $is_refused;
}

/**
 * Decide before the first byte, whatever the theme does: headers cannot be sent later.
 */
function send_headers(): void {
	if ( is_refused() ) {
		// WordPress has sent headers of its own since then.
		refuse();
	}
	$post_id = get_queried_object_id();
	if ( ! is_singular() || ! Policy\is_gated( $post_id ) ) {
		return;
	}
	$decision = Decisions\of_single( $post_id );
	if ( ! $decision['granted'] && 'metered' === $decision['reason'] && Viewer\is_prefetch() ) {
		// A browser throws away what it prefetched with an error, and asks again for its reader.
		status_header( 503 );
	}
}
