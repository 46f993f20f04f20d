<?php
/**
 * The gate: what stands in place of the part that may not be read.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Gate;

use Paywall\Decisions;
use Paywall\Policy;
use Paywall\Settings;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

const SCRIPT = 'paywall';
const STYLE  = 'paywall';
// The class that `<paywall-gate>` has, for search engines.
const SELECTOR = '.paywall-content';

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'wp_enqueue_scripts', __NAMESPACE__ . '\enqueue_for_page' );
	add_action( 'wp_head', __NAMESPACE__ . '\print_structured_data' );
	add_filter( 'script_loader_tag', __NAMESPACE__ . '\as_module', 10, 2 );
	add_filter( 'style_loader_tag', __NAMESPACE__ . '\without_referrer', 10, 2 );
}

/**
 * The gate of a post, with a sentence and a link that stand until the script has replaced them.
 *
 * @param int $post_id A gated post.
 */
function markup( int $post_id ): string {
	enqueue();
	$terms      = Policy\of( $post_id );
	$attributes = array(
		'class'   => 'paywall-content',
		'article' => Viewer\article_id( $post_id ),
		'policy'  => $terms['policy'],
		'cost'    => (string) $terms['cost'],
	);
	$attributes = array_merge( $attributes, settings_of_page( (string) get_permalink( $post_id ) ) );
	// The page with the rest is made by WordPress: the theme's layout, embeds and pages are right.
	$attributes['data-paywall-after'] = 'reload';
	return sprintf( "\n<paywall-gate%s>%s</paywall-gate>\n", attributes( $attributes ), fallback( $post_id ) );
}

/**
 * The `data-paywall-…` attributes for the elements of the service's script.
 *
 * They are the same for everybody, because a cache may have kept the page.
 *
 * @param string $here Where a reader goes on after signing in.
 * @return array<string, string>
 */
function settings_of_page( string $here ): array {
	$attributes = array(
		'data-paywall-token'    => admin_url( 'admin-ajax.php?action=paywall_token' ),
		'data-paywall-login'    => wp_login_url( $here ),
		'data-paywall-account'  => page_url( 'account_page' ),
		'data-paywall-shop'     => page_url( 'shop_page' ),
		'data-paywall-language' => get_bloginfo( 'language' ),
		'data-paywall-consent'  => Settings\get( 'consent' ) ? 'yes' : '',
	);
	return array_filter( $attributes, fn( $value ) => '' !== $value );
}

/**
 * Attributes of an element, escaped.
 *
 * @param array<string, string> $values By name.
 */
function attributes( array $values ): string {
	$text = '';
	foreach ( $values as $name => $value ) {
		$text .= sprintf( ' %s="%s"', $name, esc_attr( $value ) );
	}
	return $text;
}

/**
 * The address of a page that the settings name; empty without one.
 *
 * @param string $setting The setting with the page's post ID.
 */
function page_url( string $setting ): string {
	$page_id = Settings\get( $setting );
	return $page_id > 0 && 'publish' === get_post_status( $page_id ) ? (string) get_permalink( $page_id ) : '';
}

/**
 * What stands in the gate without the script: why, and where to go.
 *
 * @param int $post_id A gated post.
 */
function fallback( int $post_id ): string {
	$here   = (string) get_permalink( $post_id );
	$reason = Decisions\of_single( $post_id )['reason'];
	if ( in_array( $reason, array( 'unavailable', 'article_unknown' ), true ) ) {
		$text = __( 'We cannot open the rest of this article right now.', 'paywall' );
		$link = array( $here, __( 'Try again', 'paywall' ) );
	} elseif ( is_user_logged_in() ) {
		$text    = __( 'The rest of this article is for subscribers and for readers who unlocked it.', 'paywall' );
		$account = page_url( 'account_page' );
		$link    = '' === $account ? array( $here, __( 'Load the page again', 'paywall' ) ) : array( $account, __( 'Your account', 'paywall' ) );
	} else {
		$text = __( 'Sign in to read the rest of this article.', 'paywall' );
		$link = array( wp_login_url( $here ), __( 'Sign in', 'paywall' ) );
	}
	return sprintf(
		'<section class="paywall-box"><p class="paywall-status">%s</p><p><a class="paywall-button paywall-first" href="%s" rel="nofollow">%s</a></p></section>',
		esc_html( $text ),
		esc_url( $link[0] ),
		esc_html( $link[1] )
	);
}

/**
 * Whether the page of a post shows a gate. A password's form stands where nothing is shown at all.
 *
 * @param int $post_id A post.
 */
function has_gate( int $post_id ): bool {
	if ( ! Policy\is_gated( $post_id ) ) {
		return false;
	}
	$decision = Decisions\of_single( $post_id );
	return ! $decision['granted'] && 'not_published' !== $decision['reason'];
}

/**
 * Load script and style in the head of a page whose post is not granted; elsewhere nothing.
 */
function enqueue_for_page(): void {
	$post_id = get_queried_object_id();
	if ( is_singular() && has_gate( $post_id ) ) {
		enqueue();
	}
}

/**
 * Load the service's script and style, at the address that stays.
 */
function enqueue(): void {
	$service = Settings\get( 'public_url' );
	if ( '' !== $service ) {
		// No hash and no version: pages stay in caches while the service is upgraded.
		wp_enqueue_style( STYLE, "$service/v1/parts/current/paywall.css", array(), null ); // phpcs:ignore WordPress.WP.EnqueuedResourceParameters.MissingVersion
		wp_enqueue_script( SCRIPT, "$service/v1/parts/current/paywall.js", array(), null, true ); // phpcs:ignore WordPress.WP.EnqueuedResourceParameters.MissingVersion
	}
	wp_enqueue_style( 'paywall-site', plugins_url( 'assets/gate.css', \Paywall\FILE ), array(), \Paywall\VERSION );
}

/**
 * The script is a module.
 *
 * @param string $tag    As WordPress prints it.
 * @param string $handle Its name.
 */
function as_module( string $tag, string $handle ): string {
	if ( SCRIPT !== $handle ) {
		return $tag;
	}
	$tag = str_replace( array( " type='text/javascript'", ' type="text/javascript"' ), '', $tag );
	return str_replace( '<script ', '<script type="module" referrerpolicy="no-referrer" ', $tag );
}

/**
 * The service does not have to know which page asks.
 *
 * @param string $tag    As WordPress prints it.
 * @param string $handle Its name.
 */
function without_referrer( string $tag, string $handle ): string {
	return STYLE === $handle ? str_replace( '<link ', '<link referrerpolicy="no-referrer" ', $tag ) : $tag;
}

/**
 * Structured data, so that search engines do not take the gate for cloaking. A granted page has none:
 * it is as if there were no paywall.
 */
function print_structured_data(): void {
	$post_id = get_queried_object_id();
	if ( ! is_singular() || ! has_gate( $post_id ) ) {
		return;
	}
	$data = array(
		'@context'            => 'https://schema.org',
		'@type'               => 'NewsArticle',
		'headline'            => wp_strip_all_tags( get_the_title( $post_id ) ),
		'url'                 => get_permalink( $post_id ),
		'inLanguage'          => get_bloginfo( 'language' ),
		'datePublished'       => get_post_time( DATE_ATOM, true, $post_id ),
		'dateModified'        => get_post_modified_time( DATE_ATOM, true, $post_id ),
		'isAccessibleForFree' => false,
		'hasPart'             => array(
			'@type'               => 'WebPageElement',
			'isAccessibleForFree' => false,
			'cssSelector'         => SELECTOR,
		),
	);
	// Without `<` and `&` no title can end the element.
	$json = wp_json_encode( $data, JSON_HEX_TAG | JSON_HEX_AMP | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE );
	echo '<script type="application/ld+json">' . $json . "</script>\n"; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON without `<`.
}
