<?php
/**
 * The fields of a post, in REST and in both editors.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\PostFields;

use Paywall\Admin\Fields;
use Paywall\Policy;

defined( 'ABSPATH' ) || exit;

const NONCE          = 'paywall_post_fields';
const EDITOR         = 'paywall-editor';
const PARAGRAPHS_MAX = 1000;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'init', __NAMESPACE__ . '\register_fields', 20 );
	add_action( 'add_meta_boxes', __NAMESPACE__ . '\add_box' );
	add_action( 'save_post', __NAMESPACE__ . '\save', 10, 2 );
	add_action( 'enqueue_block_editor_assets', __NAMESPACE__ . '\enqueue' );
}

/**
 * The fields with the type of their value and how it is cleaned.
 *
 * @return array[]
 */
function fields(): array {
	return array(
		'_paywall_policy'             => array( 'string', __NAMESPACE__ . '\clean_policy' ),
		'_paywall_cost'               => array( 'integer', __NAMESPACE__ . '\clean_cost' ),
		'_paywall_preview_paragraphs' => array( 'integer', __NAMESPACE__ . '\clean_paragraphs' ),
		'_paywall_preview_html'       => array( 'string', __NAMESPACE__ . '\clean_html' ),
	);
}

/**
 * Register the fields, for REST as well.
 *
 * A number below 1 (a price) or 0 (paragraphs) means: not set, so that the terms or settings decide.
 */
function register_fields(): void {
	foreach ( Policy\gated_types() as $type ) {
		// The block editor reads and writes fields only where a type has them.
		add_post_type_support( $type, 'custom-fields' );
		foreach ( fields() as $key => list( $value_type, $clean ) ) {
			register_post_meta(
				$type,
				$key,
				array(
					'type'              => $value_type,
					'single'            => true,
					'default'           => 'integer' === $value_type ? -1 : '',
					'show_in_rest'      => true,
					'sanitize_callback' => $clean,
					'auth_callback'     => fn( $allowed, $meta_key, $post_id ) => current_user_can( 'edit_post', $post_id ),
				)
			);
		}
	}
}

/**
 * A policy; anything else means that the post has none of its own.
 *
 * @param mixed $value What was sent.
 */
function clean_policy( $value ): string {
	return in_array( $value, Policy\POLICIES, true ) ? $value : '';
}

/**
 * A price in credits; -1 for none of its own.
 *
 * @param mixed $value What was sent.
 */
function clean_cost( $value ): int {
	return is_numeric( $value ) && $value >= 1 ? min( Policy\COST_MAX, (int) $value ) : -1;
}

/**
 * A number of paragraphs; -1 for none of its own.
 *
 * @param mixed $value What was sent.
 */
function clean_paragraphs( $value ): int {
	return is_numeric( $value ) && $value >= 0 ? min( PARAGRAPHS_MAX, (int) $value ) : -1;
}

/**
 * HTML as WordPress allows it in a post.
 *
 * @param mixed $value What was sent.
 */
function clean_html( $value ): string {
	return is_string( $value ) ? wp_kses_post( $value ) : '';
}

/**
 * The panel of the block editor.
 */
function enqueue(): void {
	$screen = get_current_screen();
	if ( null === $screen || ! Policy\is_gated_type( (string) $screen->post_type ) ) {
		return;
	}
	wp_enqueue_script(
		EDITOR,
		plugins_url( 'assets/editor.js', \Paywall\FILE ),
		array( 'wp-plugins', 'wp-edit-post', 'wp-element', 'wp-components', 'wp-data', 'wp-core-data' ),
		\Paywall\VERSION,
		true
	);
	$words = array(
		'title'         => __( 'Paywall', 'paywall' ),
		'policy'        => __( 'Who may read', 'paywall' ),
		'inherited'     => __( 'As its categories, tags or the settings say', 'paywall' ),
		'policies'      => Fields\policy_labels(),
		'cost'          => __( 'Price in credits', 'paywall' ),
		'costHelp'      => __( 'Empty: as the settings say.', 'paywall' ),
		'paragraphs'    => __( 'Paragraphs of the preview', 'paywall' ),
		'paragraphHelp' => __( 'Empty: as the settings say. A “more” block ends the preview where it stands.', 'paywall' ),
		'html'          => __( 'A preview of your own (HTML)', 'paywall' ),
		'htmlHelp'      => __( 'Shown instead of the article’s beginning, to everybody.', 'paywall' ),
	);
	wp_add_inline_script( EDITOR, 'window.paywallEditor = ' . wp_json_encode( $words, JSON_HEX_TAG | JSON_HEX_AMP ) . ';', 'before' );
}

/**
 * The box of the classic editor. The block editor has a panel instead.
 *
 * @param string $type The post type.
 */
function add_box( string $type ): void {
	if ( Policy\is_gated_type( $type ) ) {
		add_meta_box( 'paywall', __( 'Paywall', 'paywall' ), __NAMESPACE__ . '\print_box', $type, 'side', 'high', array( '__back_compat_meta_box' => true ) );
	}
}

/**
 * Print the box.
 *
 * @param \WP_Post $post The post.
 */
function print_box( \WP_Post $post ): void {
	wp_nonce_field( NONCE, NONCE );
	$own        = (string) get_post_meta( $post->ID, '_paywall_policy', true );
	$cost       = (int) get_post_meta( $post->ID, '_paywall_cost', true );
	$paragraphs = (int) get_post_meta( $post->ID, '_paywall_preview_paragraphs', true );
	$html       = (string) get_post_meta( $post->ID, '_paywall_preview_html', true );
	$inherited  = array( '' => __( 'As its categories, tags or the settings say', 'paywall' ) );
	printf( '<p><label for="paywall-policy">%s</label><br>', esc_html__( 'Who may read', 'paywall' ) );
	Fields\print_choice( $inherited + Fields\policy_labels(), 'paywall-policy', '_paywall_policy', $own );
	echo '</p>';
	print_number( '_paywall_cost', __( 'Price in credits', 'paywall' ), $cost >= 1 ? (string) $cost : '', 1, Policy\COST_MAX );
	print_number( '_paywall_preview_paragraphs', __( 'Paragraphs of the preview', 'paywall' ), $paragraphs >= 0 ? (string) $paragraphs : '', 0, PARAGRAPHS_MAX );
	printf(
		'<p><label for="paywall-html">%s</label><br><textarea id="paywall-html" name="_paywall_preview_html" rows="3" class="widefat">%s</textarea></p>',
		esc_html__( 'A preview of your own (HTML)', 'paywall' ),
		esc_textarea( $html )
	);
}

/**
 * Print a field for a number that may be empty.
 *
 * @param string $key   The field.
 * @param string $label Its label.
 * @param string $value What is saved.
 * @param int    $min   The smallest number.
 * @param int    $max   The largest number.
 */
function print_number( string $key, string $label, string $value, int $min, int $max ): void {
	printf(
		'<p><label for="%1$s">%2$s</label><br><input type="number" id="%1$s" name="%1$s" value="%3$s" min="%4$d" max="%5$d" class="small-text"></p>',
		esc_attr( $key ),
		esc_html( $label ),
		esc_attr( $value ),
		(int) $min,
		(int) $max
	);
}

/**
 * Save what the box sent. The block editor writes the fields itself.
 *
 * @param int      $post_id The post.
 * @param \WP_Post $post    The post.
 */
function save( int $post_id, \WP_Post $post ): void {
	$nonce = isset( $_POST[ NONCE ] ) && is_string( $_POST[ NONCE ] ) ? sanitize_key( wp_unslash( $_POST[ NONCE ] ) ) : '';
	if ( false === wp_verify_nonce( $nonce, NONCE ) || wp_is_post_revision( $post_id ) || wp_is_post_autosave( $post_id ) ) {
		return;
	}
	if ( ! Policy\is_gated_type( $post->post_type ) || ! current_user_can( 'edit_post', $post_id ) ) {
		return;
	}
	foreach ( fields() as $key => list( $value_type, $clean ) ) {
		if ( ! isset( $_POST[ $key ] ) || ! is_string( $_POST[ $key ] ) ) {
			continue;
		}
		$value = $clean( trim( wp_unslash( $_POST[ $key ] ) ) ); // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- the field's own function cleans it.
		if ( '' === $value || -1 === $value ) {
			delete_post_meta( $post_id, $key );
		} else {
			update_post_meta( $post_id, $key, wp_slash( $value ) );
		}
	}
}
