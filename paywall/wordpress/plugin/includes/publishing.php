<?php
/**
 * Publishing: the service knows the published posts with their policies, and no others.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Publishing;

use Paywall\Policy;
use Paywall\Queue;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const KIND              = 'article';
const ALL_SECONDS       = 25;
const ALL_SECONDS_CLI   = 3600;
const SETTINGS_OF_POSTS = array( 'article_prefix', 'default_policy', 'default_cost', 'preview_paragraphs', 'preview_share' );

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'transition_post_status', __NAMESPACE__ . '\after_transition', 10, 3 );
	add_action( 'wp_after_insert_post', __NAMESPACE__ . '\after_save' );
	add_action( 'deleted_post', __NAMESPACE__ . '\after_delete', 10, 2 );
	foreach ( array( 'added_post_meta', 'updated_post_meta', 'deleted_post_meta' ) as $hook ) {
		add_action( $hook, __NAMESPACE__ . '\after_meta', 10, 3 );
	}
	foreach ( array( 'set_object_terms', 'deleted_term_relationships' ) as $hook ) {
		add_action( $hook, __NAMESPACE__ . '\after_save' );
	}
	foreach ( array( 'added_term_meta', 'updated_term_meta', 'deleted_term_meta' ) as $hook ) {
		add_action( $hook, __NAMESPACE__ . '\after_term_meta', 10, 3 );
	}
	add_action( 'update_option_' . Settings\OPTION, __NAMESPACE__ . '\after_settings', 10, 2 );
	add_action( 'add_option_' . Settings\OPTION, __NAMESPACE__ . '\enqueue_all', 10, 0 );
	add_action( 'permalink_structure_changed', __NAMESPACE__ . '\enqueue_all', 10, 0 );
	add_action( 'paywall_publish_post', __NAMESPACE__ . '\publish_post' );
	add_action( 'paywall_publish_all', __NAMESPACE__ . '\publish_all', 10, 0 );
}

/**
 * Put a post in the queue, whatever its state: what is not published is removed from the service.
 *
 * @param int $post_id A post.
 */
function enqueue_post( int $post_id ): void {
	Queue\add( KIND, (string) $post_id );
}

/**
 * Put all published posts in the queue, or those of one term.
 *
 * @param int $term_id The term; 0 for all posts.
 */
function enqueue_all( int $term_id = 0 ): void {
	global $wpdb;
	Queue\prepare();
	$queue = Queue\table();
	$types = array_values( array_filter( get_post_types(), 'Paywall\Policy\is_gated_type' ) );
	if ( array() === $types ) {
		return;
	}
	$of_type = implode( ', ', array_fill( 0, count( $types ), '%s' ) );
	$of_term = 0 === $term_id ? '' : "AND p.ID IN (SELECT r.object_id FROM $wpdb->term_relationships r
		JOIN $wpdb->term_taxonomy t ON t.term_taxonomy_id = r.term_taxonomy_id WHERE t.term_id = %d)";
	$values  = array_merge( array( KIND, time(), time() ), $types, 0 === $term_id ? array() : array( $term_id ) );
	// phpcs:disable WordPress.DB -- one statement for any number of posts; names of tables and placeholders alone are inserted.
	$wpdb->query(
		$wpdb->prepare(
			"INSERT INTO `$queue` (kind, target, changed_at, due_at)
			SELECT %s, p.ID, %d, %d FROM $wpdb->posts p WHERE p.post_status = 'publish' AND p.post_type IN ($of_type) $of_term
			ON DUPLICATE KEY UPDATE version = version + 1, changed_at = VALUES(changed_at), due_at = VALUES(due_at), attempts = 0",
			$values
		)
	);
	// phpcs:enable
	Queue\schedule();
}

/**
 * Publish one post now, and by the queue if that does not work.
 *
 * @param int|\WP_Post $post A post.
 */
function publish_post( $post ): void {
	$post_id = $post instanceof \WP_Post ? $post->ID : (int) $post;
	enqueue_post( $post_id );
	Queue\work_on( KIND, (string) $post_id );
}

/**
 * Publish all posts: as many as a request has time for, and the others by WP-Cron.
 */
function publish_all(): void {
	enqueue_all();
	$is_long = wp_doing_cron() || 'cli' === PHP_SAPI;
	Queue\work( $is_long ? ALL_SECONDS_CLI : ALL_SECONDS );
}

/**
 * After a post became public, or no longer is.
 *
 * @param string   $new_status Its status.
 * @param string   $old_status The one before.
 * @param \WP_Post $post       The post.
 */
function after_transition( string $new_status, string $old_status, \WP_Post $post ): void {
	if ( $new_status !== $old_status && in_array( 'publish', array( $new_status, $old_status ), true ) && Policy\is_gated_type( $post->post_type ) ) {
		enqueue_post( $post->ID );
	}
}

/**
 * After a published post, or its terms, were saved.
 *
 * @param int $post_id A post, or another object with terms.
 */
function after_save( int $post_id ): void {
	$post = get_post( $post_id );
	if ( null !== $post && 'publish' === $post->post_status && Policy\is_gated_type( $post->post_type ) ) {
		enqueue_post( $post_id );
	}
}

/**
 * After a post was deleted for good.
 *
 * @param int      $post_id Its ID.
 * @param \WP_Post $post    What it was.
 */
function after_delete( int $post_id, \WP_Post $post ): void {
	if ( 'publish' === $post->post_status && Policy\is_gated_type( $post->post_type ) ) {
		enqueue_post( $post_id );
	}
}

/**
 * After the policy, the cost or the preview of a post changed.
 *
 * @param int|int[] $meta_id The row or rows; not used.
 * @param int       $post_id The post.
 * @param string    $key     Which field.
 */
function after_meta( $meta_id, int $post_id, string $key ): void {
	if ( str_starts_with( $key, '_paywall_' ) ) {
		after_save( $post_id );
	}
}

/**
 * After the policy or the cost of a term changed.
 *
 * @param int|int[] $meta_id The row or rows; not used.
 * @param int       $term_id The term.
 * @param string    $key     Which field.
 */
function after_term_meta( $meta_id, int $term_id, string $key ): void {
	if ( str_starts_with( $key, 'paywall_' ) ) {
		enqueue_all( $term_id );
		Queue\send_at_end();
	}
}

/**
 * After the settings changed.
 *
 * @param mixed $old_value Before.
 * @param mixed $value     Now.
 */
function after_settings( $old_value, $value ): void {
	$names = array_flip( SETTINGS_OF_POSTS );
	if ( array_intersect_key( (array) $old_value, $names ) !== array_intersect_key( (array) $value, $names ) ) {
		enqueue_all();
		Queue\send_at_end();
	}
}

/**
 * Whether the service may know a post as it is now.
 *
 * @param \WP_Post|null $post A post.
 */
function is_public( ?\WP_Post $post ): bool {
	return null !== $post && 'publish' === $post->post_status && '' === $post->post_password
		&& Policy\is_gated_type( $post->post_type ) && is_post_publicly_viewable( $post );
}

/**
 * What waits, for the settings page and the list of posts: see Queue\waiting().
 *
 * @param int $limit How many rows.
 * @return array{count:int, rows:object[]}
 */
function waiting( int $limit = 20 ): array {
	return Queue\waiting( $limit );
}

/**
 * Why a post waits; null if the service has it as it is. An empty error: it was not tried yet.
 *
 * @param int $post_id A post.
 * @return object|null Its row of the queue.
 */
function waiting_of( int $post_id ): ?object {
	return Queue\row( KIND, (string) $post_id );
}
