<?php
/**
 * The column "Paywall" in the list of posts.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\PostList;

use Paywall\Admin\Fields;
use Paywall\Policy;
use Paywall\Publishing;

defined( 'ABSPATH' ) || exit;

const COLUMN = 'paywall';

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'admin_init', __NAMESPACE__ . '\add_columns' );
}

/**
 * Add the column to the list of each type that can be gated.
 */
function add_columns(): void {
	foreach ( Policy\gated_types() as $type ) {
		add_filter( "manage_{$type}_posts_columns", __NAMESPACE__ . '\add_column' );
		add_action( "manage_{$type}_posts_custom_column", __NAMESPACE__ . '\print_cell', 10, 2 );
	}
}

/**
 * The columns with ours.
 *
 * @param string[] $columns By id.
 * @return string[]
 */
function add_column( array $columns ): array {
	return $columns + array( COLUMN => __( 'Paywall', 'paywall' ) );
}

/**
 * Print who may read a post, its price, and that the service does not have it yet.
 *
 * @param string $column  The column.
 * @param int    $post_id The post.
 */
function print_cell( string $column, int $post_id ): void {
	if ( COLUMN !== $column ) {
		return;
	}
	$terms = Policy\of( $post_id );
	echo esc_html( Fields\policy_labels()[ $terms['policy'] ] );
	if ( in_array( $terms['policy'], array( 'metered', 'premium' ), true ) ) {
		/* translators: %s: a number of credits. */
		$price = _n( '%s credit', '%s credits', $terms['cost'], 'paywall' );
		echo '<br>' . esc_html( sprintf( $price, number_format_i18n( $terms['cost'] ) ) );
	}
	$waiting = Publishing\waiting_of( $post_id );
	if ( null !== $waiting ) {
		printf( '<br><span title="%s">%s</span>', esc_attr( $waiting->error ), esc_html__( 'Waits for the service', 'paywall' ) );
	}
}
