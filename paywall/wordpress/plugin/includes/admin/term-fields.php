<?php
/**
 * Who may read the posts of a category or tag: fields on the screens of terms.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\TermFields;

use Paywall\Admin\Fields;
use Paywall\Admin\PostFields;
use Paywall\Policy;

defined( 'ABSPATH' ) || exit;

const NONCE = 'paywall_term_fields';

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'init', __NAMESPACE__ . '\register_fields' );
	foreach ( Policy\TAXONOMIES as $taxonomy ) {
		add_action( "{$taxonomy}_edit_form_fields", __NAMESPACE__ . '\print_rows' );
		add_action( "{$taxonomy}_add_form_fields", __NAMESPACE__ . '\print_blocks' );
		add_action( "edited_$taxonomy", __NAMESPACE__ . '\save' );
		add_action( "created_$taxonomy", __NAMESPACE__ . '\save' );
	}
}

/**
 * Register the fields, for REST as well.
 */
function register_fields(): void {
	$may_edit = fn( $allowed, $meta_key, $term_id ) => current_user_can( 'edit_term', $term_id );
	foreach ( Policy\TAXONOMIES as $taxonomy ) {
		register_term_meta(
			$taxonomy,
			'paywall_policy',
			array(
				'type'              => 'string',
				'single'            => true,
				'show_in_rest'      => true,
				'sanitize_callback' => 'Paywall\Admin\PostFields\clean_policy',
				'auth_callback'     => $may_edit,
			)
		);
		register_term_meta(
			$taxonomy,
			'paywall_cost',
			array(
				'type'              => 'integer',
				'single'            => true,
				'show_in_rest'      => true,
				'sanitize_callback' => 'Paywall\Admin\PostFields\clean_cost',
				'auth_callback'     => $may_edit,
			)
		);
	}
}

/**
 * Print the fields on the screen of one term.
 *
 * @param \WP_Term $term The term.
 */
function print_rows( \WP_Term $term ): void {
	wp_nonce_field( NONCE, NONCE );
	$policy = (string) get_term_meta( $term->term_id, 'paywall_policy', true );
	$cost   = (int) get_term_meta( $term->term_id, 'paywall_cost', true );
	printf( '<tr class="form-field"><th scope="row"><label for="paywall-policy">%s</label></th><td>', esc_html__( 'Who may read its posts', 'paywall' ) );
	print_policy( $policy );
	echo '</td></tr>';
	printf( '<tr class="form-field"><th scope="row"><label for="paywall-cost">%s</label></th><td>', esc_html__( 'Price in credits', 'paywall' ) );
	print_cost( $cost );
	echo '</td></tr>';
}

/**
 * Print the fields on the screen that adds a term.
 */
function print_blocks(): void {
	wp_nonce_field( NONCE, NONCE );
	printf( '<div class="form-field"><label for="paywall-policy">%s</label>', esc_html__( 'Who may read its posts', 'paywall' ) );
	print_policy( '' );
	printf( '</div><div class="form-field"><label for="paywall-cost">%s</label>', esc_html__( 'Price in credits', 'paywall' ) );
	print_cost( 0 );
	echo '</div>';
}

/**
 * Print the list of policies.
 *
 * @param string $policy What is saved.
 */
function print_policy( string $policy ): void {
	$inherited = array( '' => __( 'As the settings say', 'paywall' ) );
	Fields\print_choice( $inherited + Fields\policy_labels(), 'paywall-policy', 'paywall_policy', $policy, 'paywall-policy-help' );
	printf( '<p class="description" id="paywall-policy-help">%s</p>', esc_html__( 'A post’s own choice goes first. Of several categories and tags, the strictest counts.', 'paywall' ) );
}

/**
 * Print the field for the price.
 *
 * @param int $cost What is saved.
 */
function print_cost( int $cost ): void {
	printf( '<input type="number" id="paywall-cost" name="paywall_cost" value="%s" min="1" max="%d" class="small-text">', esc_attr( $cost >= 1 ? (string) $cost : '' ), (int) Policy\COST_MAX );
}

/**
 * Save what either screen sent.
 *
 * @param int $term_id The term.
 */
function save( int $term_id ): void {
	$nonce = isset( $_POST[ NONCE ] ) && is_string( $_POST[ NONCE ] ) ? sanitize_key( wp_unslash( $_POST[ NONCE ] ) ) : '';
	if ( false === wp_verify_nonce( $nonce, NONCE ) || ! current_user_can( 'edit_term', $term_id ) ) {
		return;
	}
	$policy = isset( $_POST['paywall_policy'] ) && is_string( $_POST['paywall_policy'] ) ? sanitize_key( wp_unslash( $_POST['paywall_policy'] ) ) : '';
	$cost   = isset( $_POST['paywall_cost'] ) && is_string( $_POST['paywall_cost'] ) ? sanitize_text_field( wp_unslash( $_POST['paywall_cost'] ) ) : '';
	put( $term_id, 'paywall_cost', PostFields\clean_cost( $cost ), -1 );
	put( $term_id, 'paywall_policy', PostFields\clean_policy( $policy ), '' );
}

/**
 * Write a field, or delete it where it has no value.
 *
 * @param int        $term_id The term.
 * @param string     $key     The field.
 * @param int|string $value   Its value.
 * @param int|string $none    The value that stands for none.
 */
function put( int $term_id, string $key, $value, $none ): void {
	if ( $none === $value ) {
		delete_term_meta( $term_id, $key );
	} else {
		update_term_meta( $term_id, $key, $value );
	}
}
