<?php
/**
 * Fills a WordPress with one post of each kind. Reads the posts as JSON from its first argument and
 * prints their ids by key. Runs with and without the plug-in.
 *
 * @package Paywall
 */

wp_set_current_user( 1 );
wp_cache_flush();
$paywall_ids = array();
foreach ( json_decode( $argv[1], true ) as $paywall_key => $paywall_post ) {
	$paywall_author = get_user_by( 'login', $paywall_post['author'] );
	wp_set_current_user( $paywall_author->ID );
	$paywall_id = wp_insert_post(
		wp_slash(
			array(
				'post_title'    => $paywall_post['title'],
				'post_name'     => $paywall_key,
				'post_content'  => 'Nothing yet.',
				'post_status'   => 'draft',
				'post_author'   => $paywall_author->ID,
				'post_type'     => $paywall_post['type'],
			)
		),
		true
	);
	if ( is_wp_error( $paywall_id ) ) {
		exit( 1 );
	}
	wp_set_current_user( 1 );
	foreach ( $paywall_post['meta'] as $paywall_name => $paywall_value ) {
		update_post_meta( $paywall_id, $paywall_name, $paywall_value );
	}
	foreach ( $paywall_post['category'] as $paywall_name => $paywall_policy ) {
		$paywall_term = term_exists( $paywall_name, 'category' );
		$paywall_term = $paywall_term ? $paywall_term : wp_insert_term( $paywall_name, 'category' );
		if ( $paywall_policy ) {
			update_term_meta( (int) $paywall_term['term_id'], 'paywall_policy', $paywall_policy );
		}
		wp_set_post_terms( $paywall_id, array( (int) $paywall_term['term_id'] ), 'category' );
	}
	wp_set_post_tags( $paywall_id, array( 'harvest' ) );
	// Saved twice, so that there are revisions with the whole text.
	foreach ( array( '', ' ' ) as $paywall_end ) {
		wp_update_post(
			wp_slash(
				array(
					'ID'            => $paywall_id,
					'post_content'  => $paywall_post['content'] . $paywall_end,
					'post_status'   => $paywall_post['status'],
					'post_password' => $paywall_post['password'],
					'post_date'     => $paywall_post['date'],
					'post_date_gmt' => $paywall_post['date'],
					'edit_date'     => true,
				)
			)
		);
	}
	if ( $paywall_post['sticky'] ) {
		stick_post( $paywall_id );
	}
	require_once ABSPATH . 'wp-admin/includes/post.php';
	wp_create_post_autosave(
		wp_slash(
			array(
				'post_ID'      => $paywall_id,
				'post_content' => $paywall_post['content'] . "\n<p>An autosave.</p>",
				'post_title'   => $paywall_post['title'],
				'post_type'    => $paywall_post['type'],
			)
		)
	);
	wp_insert_comment(
		array(
			'comment_post_ID'  => $paywall_id,
			'comment_content'  => 'A comment.',
			'comment_approved' => 1,
		)
	);
	$paywall_ids[ $paywall_key ] = $paywall_id;
}
echo wp_json_encode( $paywall_ids );
