<?php
/**
 * Follows what changes the policy of posts: their own meta, their terms, the settings.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Sync;

use Paywall\Policy;
use Paywall\Vault\Moving;
use Paywall\Vault\Texts;

defined( 'ABSPATH' ) || exit;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'wp_after_insert_post', __NAMESPACE__ . '\on_saved', 10, 1 );
	foreach ( array( 'added', 'updated', 'deleted' ) as $verb ) {
		add_action( "{$verb}_post_meta", __NAMESPACE__ . '\on_post_meta', 10, 3 );
		add_action( "{$verb}_term_meta", __NAMESPACE__ . '\on_term_meta', 10, 3 );
	}
	add_action( 'set_object_terms', __NAMESPACE__ . '\on_terms', 10, 4 );
	add_action( 'deleted_term_relationships', fn( $post_id, $terms, $taxonomy ) => on_terms( $post_id, $terms, $terms, $taxonomy ), 10, 3 );
	add_action( 'update_option_paywall_settings', __NAMESPACE__ . '\on_settings', 10, 2 );
	add_action( 'add_option_paywall_settings', fn( $name, $settings ) => on_settings( array(), $settings ), 10, 2 );
	add_action( 'shutdown', __NAMESPACE__ . '\open_deferred' );
}

/**
 * A post was saved, with all its meta and terms.
 *
 * @param int $post_id The post.
 */
function on_saved( int $post_id ): void {
	if ( Policy\is_gated_type( (string) get_post_type( $post_id ) ) ) {
		Texts\apply_policies( array( $post_id ) );
	}
}

/**
 * Meta of a post has changed.
 *
 * @param mixed  $meta_id Not used.
 * @param int    $post_id The post.
 * @param string $key     Which.
 */
function on_post_meta( $meta_id, $post_id, $key ): void {
	if ( '_paywall_policy' === $key ) {
		follow( (int) $post_id );
	} elseif ( in_array( $key, array( '_paywall_preview_paragraphs', '_paywall_preview_html' ), true ) ) {
		Texts\apply_policies( array( (int) $post_id ), false, true );
	}
}

/**
 * Meta of a term has changed, and with it the policy of any number of posts.
 *
 * @param mixed  $meta_id Not used.
 * @param int    $term_id Not used.
 * @param string $key     Which.
 */
function on_term_meta( $meta_id, $term_id, $key ): void {
	if ( 'paywall_policy' === $key ) {
		Moving\start( 'in' );
	}
}

/**
 * The terms of a post have changed.
 *
 * @param int    $post_id  The post.
 * @param mixed  $terms    Not used.
 * @param mixed  $term_ids Not used.
 * @param string $taxonomy Whose terms.
 */
function on_terms( $post_id, $terms, $term_ids, $taxonomy ): void {
	if ( in_array( $taxonomy, Policy\TAXONOMIES, true ) ) {
		follow( (int) $post_id );
	}
}

/**
 * The settings have changed.
 *
 * @param mixed $before As they were.
 * @param mixed $after  As they are.
 */
function on_settings( $before, $after ): void {
	$changed = static fn( string $name ) => ( is_array( $before ) ? $before[ $name ] ?? null : null ) !== ( is_array( $after ) ? $after[ $name ] ?? null : null );
	if ( $changed( 'preview_paragraphs' ) || $changed( 'preview_share' ) ) {
		Moving\start( 'in', true );
	} elseif ( $changed( 'default_policy' ) ) {
		Moving\start( 'in' );
	}
}

/**
 * The policy of a post may have changed: close at once, open when the request is over. Who changes
 * it may be on the way from one closed policy to another.
 *
 * @param int $post_id The post.
 */
function follow( int $post_id ): void {
	if ( ! Policy\is_gated_type( (string) get_post_type( $post_id ) ) ) {
		return;
	}
	if ( Policy\is_gated( $post_id ) ) {
		Texts\apply_policies( array( $post_id ) );
	} else {
		deferred( array( $post_id ) );
	}
}

/**
 * The posts to open at the end; null empties the list.
 *
 * @param int[]|null $post_ids What to add.
 * @return int[]
 */
function deferred( ?array $post_ids ): array {
	static $deferred = array();

	$before   = $deferred;
	$deferred = null === $post_ids ? array() : array_unique( array_merge( $deferred, $post_ids ) );
	return null === $post_ids ? $before : $deferred;
}

/**
 * Open what became free in this request.
 */
function open_deferred(): void {
	$post_ids = deferred( null );
	if ( array() !== $post_ids ) {
		Texts\apply_policies( $post_ids );
	}
}
