<?php
/**
 * Editing: who may edit a post gets its whole text, in every editor.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Editing;

use Paywall\Policy;
use Paywall\Vault;

defined( 'ABSPATH' ) || exit;

/**
 * Add the hooks.
 */
function register(): void {
	add_filter( 'content_edit_pre', __NAMESPACE__ . '\for_form', LATE, 2 );
	add_filter( 'content_filtered_edit_pre', __NAMESPACE__ . '\for_form', LATE, 2 );
	add_action( 'rest_api_init', __NAMESPACE__ . '\register_rest' );
	add_filter( '_wp_post_revision_field_post_content', __NAMESPACE__ . '\for_comparison', LATE, 3 );
	add_filter( 'xmlrpc_prepare_post', __NAMESPACE__ . '\for_xmlrpc', LATE, 2 );
	add_filter( 'the_content_export', __NAMESPACE__ . '\for_export', LATE );
	add_filter( 'posts_search', __NAMESPACE__ . '\search_in_vault', 10, 2 );
}

// After plug-ins that show another text than the content, as one does that keeps Markdown.
const LATE = PHP_INT_MAX;

/**
 * The hooks of REST: one for each type.
 */
function register_rest(): void {
	foreach ( array_merge( Policy\gated_types(), array( 'revision', 'autosave' ) ) as $type ) {
		add_filter( "rest_prepare_$type", __NAMESPACE__ . '\for_rest', LATE, 2 );
	}
}

/**
 * A text for an editor, if the current user may edit its post; else as it is.
 *
 * @param string $text  A stub, or any text.
 * @param int    $owner The post that owns it.
 */
function for_editor( string $text, int $owner ): string {
	if ( ! Vault\has_marker( $text ) || ! current_user_can( 'edit_post', $owner ) ) {
		return $text;
	}
	$whole = Vault\expand( $text, $owner );
	if ( ! Vault\has_marker( $whole ) ) {
		set_transient( shown_name( $owner ), 1, 2 * DAY_IN_SECONDS );
	}
	return $whole;
}

/**
 * Whether the current user got the whole text of a post into an editor, and so knows what is deleted.
 *
 * @param int $owner The post.
 */
function was_shown_whole( int $owner ): bool {
	return get_current_user_id() > 0 && false !== get_transient( shown_name( $owner ) );
}

/**
 * Where it is kept that the current user was shown a post.
 *
 * @param int $owner The post.
 */
function shown_name( int $owner ): string {
	return 'paywall_shown_' . get_current_user_id() . '_' . $owner;
}

/**
 * The form of the classic editor.
 *
 * @param string $content The text.
 * @param int    $post_id Its post or revision.
 */
function for_form( $content, $post_id ) {
	$post = get_post( (int) $post_id );
	return $post instanceof \WP_Post && is_string( $content ) ? for_editor( $content, Vault\owner_of( $post ) ) : $content;
}

/**
 * A response of REST. Only the context `edit` has the raw text.
 *
 * @param \WP_REST_Response $response The response.
 * @param \WP_Post          $post     Its post, revision or autosave.
 */
function for_rest( $response, $post ) {
	$data = $response instanceof \WP_REST_Response ? $response->get_data() : array();
	if ( isset( $data['content']['raw'] ) && $post instanceof \WP_Post ) {
		$data['content']['raw'] = for_editor( (string) $data['content']['raw'], Vault\owner_of( $post ) );
		$response->set_data( $data );
	}
	return $response;
}

/**
 * One side of the comparison of revisions.
 *
 * @param string   $content The text.
 * @param string   $field   Not used.
 * @param \WP_Post $post    The post or revision.
 */
function for_comparison( $content, $field, $post ) {
	return $post instanceof \WP_Post && is_string( $content ) ? for_editor( $content, Vault\owner_of( $post ) ) : $content;
}

/**
 * A post for a client of XML-RPC, which only gets posts that it may edit.
 *
 * @param array $prepared What is sent.
 * @param array $post     The row.
 */
function for_xmlrpc( $prepared, $post ) {
	if ( isset( $prepared['post_content'], $post['ID'] ) ) {
		$prepared['post_content'] = for_editor( $prepared['post_content'], (int) $post['ID'] );
	}
	return $prepared;
}

/**
 * A post for an export file. Who may export may take everything along.
 *
 * @param string $content The text of the global post.
 */
function for_export( $content ) {
	$post = get_post();
	if ( ! $post instanceof \WP_Post || ! is_string( $content ) || ! current_user_can( 'export' ) ) {
		return $content;
	}
	return Vault\expand( $content, Vault\owner_of( $post ) );
}

/**
 * The search in the list of posts finds words of the rest, for who may edit everybody's posts.
 *
 * @param string    $where SQL for the search.
 * @param \WP_Query $query The query.
 */
function search_in_vault( $where, $query ) {
	global $wpdb;

	$words = $query->get( 'search_terms' );
	if ( ! is_admin() || wp_doing_ajax() || ! $query->is_main_query() || ! is_array( $words ) || array() === $words || ! current_user_can( 'edit_others_posts' ) ) {
		return $where;
	}
	$found = '1 = 1';
	foreach ( $words as $word ) {
		$like   = '%' . $wpdb->esc_like( $word ) . '%';
		$found .= $wpdb->prepare( " AND ( b.content LIKE %s OR $wpdb->posts.post_content LIKE %s OR $wpdb->posts.post_title LIKE %s )", $like, $like, $like );
	}
	// Of the rows, only those that the stub names: older ones are no longer the post's text.
	$in_vault = "EXISTS ( SELECT 1 FROM $wpdb->paywall_bodies b WHERE b.post_id = $wpdb->posts.ID AND LOCATE( b.id, $wpdb->posts.post_content ) > 0 AND $found )";
	// Not through a replacement string: the words may hold `$1`.
	return " AND ( $in_vault OR " . preg_replace( '~^\s*AND ~', '', $where, 1 ) . ')';
}
