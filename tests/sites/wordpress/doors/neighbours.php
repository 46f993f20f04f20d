<?php
/**
 * What other plug-ins and themes of a site do with posts: each reads them in a way of its own.
 *
 * @package Paywall
 */

add_filter( 'wp_is_application_passwords_available', '__return_true' );

// A page may hold a block or shortcode that shows other posts.
add_shortcode( 'neighbour_post', fn( $attributes ) => get_post( (int) $attributes['id'] )->post_content );
add_shortcode(
	'neighbour_loop',
	function () {
		$query  = new WP_Query( array( 'posts_per_page' => 50, 'ignore_sticky_posts' => true ) );
		$output = '';
		while ( $query->have_posts() ) {
			$query->the_post();
			$output .= get_the_title() . apply_filters( 'the_content', get_the_content() );
		}
		wp_reset_postdata();
		return $output;
	}
);

// A search engine plug-in makes a description and structured data of the post's text.
add_action(
	'wp_head',
	function () {
		$post = get_queried_object();
		if ( ! is_singular() || ! isset( $_GET['seo'] ) || ! $post instanceof WP_Post ) {
			return;
		}
		echo '<meta name="description" content="' . esc_attr( wp_strip_all_tags( $post->post_content ) ) . '">';
		echo '<script type="application/ld+json">' . wp_json_encode( array( 'articleBody' => $post->post_content ) ) . '</script>';
		echo '<meta property="og:description" content="' . esc_attr( get_the_excerpt( $post ) ) . '">';
		echo '<meta name="twitter:description" content="' . esc_attr( wp_trim_words( $post->post_content, 500 ) ) . '">';
		$fresh = get_post( $post->ID );
		echo '<meta name="fresh" content="' . esc_attr( base64_encode( $fresh->post_content ) ) . '">';
	}
);

// A print template and a page for AMP, with queries of their own.
add_action(
	'template_redirect',
	function () {
		global $wpdb;
		$id = get_queried_object_id();
		if ( isset( $_GET['print'] ) ) {
			$post = get_post( $id );
			echo wpautop( $post->post_content );
			exit;
		}
		if ( isset( $_GET['amp'] ) ) {
			setup_postdata( get_post( $id ) );
			the_content();
			exit;
		}
		if ( isset( $_GET['plain'] ) ) {
			echo get_the_content( null, false, $id );
			exit;
		}
	}
);

add_action( 'wp_ajax_neighbour_posts', 'neighbour_posts' );
add_action( 'wp_ajax_nopriv_neighbour_posts', 'neighbour_posts' );
/**
 * "Load more posts" of a theme.
 */
function neighbour_posts() {
	$posts = get_posts( array( 'numberposts' => 50, 'post_status' => array( 'publish', 'private', 'draft', 'future' ) ) );
	foreach ( $posts as $post ) {
		setup_postdata( $post );
		$GLOBALS['post'] = $post;
		echo '<h2>' . esc_html( $post->post_title ) . '</h2>';
		the_content();
		echo get_the_excerpt( $post );
	}
	exit;
}

add_action(
	'rest_api_init',
	function () {
		global $wpdb;
		$routes = array(
			'post/(?P<id>\d+)'       => fn( $r ) => get_post( (int) $r['id'] ),
			'field/(?P<id>\d+)'      => fn( $r ) => get_post_field( 'post_content', (int) $r['id'], 'raw' ),
			'display/(?P<id>\d+)'    => fn( $r ) => get_post_field( 'post_content', (int) $r['id'], 'display' ),
			'edit/(?P<id>\d+)'       => fn( $r ) => get_post_field( 'post_content', (int) $r['id'], 'edit' ),
			'to-edit/(?P<id>\d+)'    => fn( $r ) => get_post( (int) $r['id'], OBJECT, 'edit' ),
			'content/(?P<id>\d+)'    => fn( $r ) => apply_filters( 'the_content', get_post( (int) $r['id'] )->post_content ),
			'feed/(?P<id>\d+)'       => fn( $r ) => apply_filters( 'the_content_feed', get_post( (int) $r['id'] )->post_content, 'rss2' ),
			'export/(?P<id>\d+)'     => fn( $r ) => apply_filters( 'the_content_export', get_post( (int) $r['id'] )->post_content ),
			'blocks/(?P<id>\d+)'     => fn( $r ) => do_blocks( get_post( (int) $r['id'] )->post_content ),
			'parsed/(?P<id>\d+)'     => fn( $r ) => parse_blocks( get_post( (int) $r['id'] )->post_content ),
			'excerpt/(?P<id>\d+)'    => fn( $r ) => get_the_excerpt( (int) $r['id'] ),
			'trimmed/(?P<id>\d+)'    => fn( $r ) => wp_trim_words( get_post( (int) $r['id'] )->post_content, 1000 ),
			'the-content/(?P<id>\d+)' => fn( $r ) => get_the_content( null, false, (int) $r['id'] ),
			'array/(?P<id>\d+)'      => fn( $r ) => ( new WP_Query( array( 'p' => (int) $r['id'], 'post_status' => 'any' ) ) )->posts,
			'single-query/(?P<id>\d+)' => function ( $r ) {
				// A plug-in that replaces the main query, as page builders do.
				query_posts( array( 'p' => (int) $r['id'], 'post_status' => 'any' ) ); // phpcs:ignore WordPress.WP.DiscouragedFunctions.query_posts_query_posts -- other plug-ins do.
				ob_start();
				while ( have_posts() ) {
					the_post();
					the_content();
				}
				return ob_get_clean();
			},
			'sql/(?P<id>\d+)'        => fn( $r ) => $wpdb->get_var( $wpdb->prepare( "select post_content from $wpdb->posts where ID = %d", $r['id'] ) ),
			'revisions/(?P<id>\d+)'  => fn( $r ) => array_values( wp_get_post_revisions( (int) $r['id'] ) ),
			'autosave/(?P<id>\d+)'   => fn( $r ) => wp_get_post_autosave( (int) $r['id'] ),
			'meta/(?P<id>\d+)'       => fn( $r ) => get_post_meta( (int) $r['id'] ),
			'cache/(?P<id>\d+)'      => fn( $r ) => array( get_post( (int) $r['id'] ), wp_cache_get( (int) $r['id'], 'posts' ) ),
			'email/(?P<id>\d+)'      => function ( $r ) {
				// A newsletter with full texts.
				$post = get_post( (int) $r['id'] );
				setup_postdata( $post );
				return '<html>' . do_shortcode( wpautop( do_blocks( $post->post_content ) ) ) . '</html>';
			},
			'list'                   => fn() => get_posts( array( 'numberposts' => 50, 'suppress_filters' => true ) ),
			'filtered-list'          => fn() => get_posts( array( 'numberposts' => 50, 'suppress_filters' => false ) ),
			'any-list'               => fn() => get_posts( array( 'numberposts' => 50, 'post_status' => 'any', 'post_type' => 'any' ) ),
			'recent'                 => fn() => wp_get_recent_posts( array( 'numberposts' => 50 ) ),
			'sql-list'               => fn() => $wpdb->get_results( "select * from $wpdb->posts" ),
			'sql-search'             => fn( $r ) => $wpdb->get_col( $wpdb->prepare( "select post_title from $wpdb->posts where post_content like %s", '%' . $r['word'] . '%' ) ),
			'query-search'           => fn( $r ) => wp_list_pluck( ( new WP_Query( array( 's' => $r['word'], 'post_status' => 'any' ) ) )->posts, 'post_title' ),
			'options'                => fn() => $wpdb->get_results( "select option_value from $wpdb->options where option_name like '%transient%'" ),
			'all-meta'               => fn() => $wpdb->get_results( "select meta_value from $wpdb->postmeta" ),
		);
		foreach ( $routes as $path => $answer ) {
			register_rest_route(
				'neighbour/v1',
				$path,
				array(
					'callback'            => $answer,
					'permission_callback' => '__return_true',
				)
			);
		}
	}
);
