<?php
/**
 * The data of Penci Paywall and JNews Paywall, as this site has it. It is only read; the service
 * decides what it means.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Migration\Reading;

use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.DB.DirectDatabaseQuery -- rows as they are stored: WordPress' functions unserialize them.

const PART_BYTES_MAX = 3145728;
const TERMS_MAX      = 10000;
const DIGITS_MAX     = 18;
const USER_KEYS      = "(m.meta_key LIKE '%%pencipw\\_%%' OR m.meta_key LIKE '%%jpw\\_%%')";
const POST_KEYS      = "(m.meta_key LIKE 'pencipw\\_%%' OR m.meta_key LIKE 'pencpw\\_%%' OR m.meta_key IN ('jnews_paywall_metabox', '_yoast_wpseo_primary_category', 'rank_math_primary_category'))";
const OWN_POST_KEYS  = "(m.meta_key LIKE 'pencipw\\_%%' OR m.meta_key LIKE 'pencpw\\_%%' OR m.meta_key = 'jnews_paywall_metabox')";
const POSTS          = "post_type = 'post' AND post_status NOT IN ('auto-draft', 'inherit')";

/**
 * How many users have data of either plug-in, and how many posts.
 *
 * @return array{plugin:string, penci:int, jnews:int, users:int, posts:int, all_posts:int}
 */
function detect(): array {
	$penci = count_users( "m.meta_key LIKE '%%pencipw\\_%%'" );
	$jnews = count_users( "m.meta_key LIKE '%%jpw\\_%%'" );
	return array(
		'plugin'    => $jnews > $penci ? 'jnews' : 'penci',
		'penci'     => $penci,
		'jnews'     => $jnews,
		'users'     => count_users( USER_KEYS ),
		'posts'     => count_posts_with_data(),
		'all_posts' => count_posts(),
	);
}

/**
 * Count users by their meta.
 *
 * @param string $condition On the row `m`.
 */
function count_users( string $condition ): int {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above.
	return (int) $wpdb->get_var( str_replace( '%%', '%', "SELECT COUNT(DISTINCT m.user_id) FROM $wpdb->usermeta m WHERE $condition" ) );
}

/**
 * Count posts with a setting of the old plug-in.
 */
function count_posts_with_data(): int {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above.
	return (int) $wpdb->get_var( str_replace( '%%', '%', "SELECT COUNT(DISTINCT m.post_id) FROM $wpdb->postmeta m WHERE " . OWN_POST_KEYS ) );
}

/**
 * Count all posts: those without a setting have a policy as well.
 */
function count_posts(): int {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above.
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->posts WHERE " . POSTS );
}

/**
 * What is the same for all parts.
 *
 * @param string $plugin      Of detect().
 * @param string $exported_at A time in RFC 3339, which becomes that of the unlocks.
 */
function settings( string $plugin, string $exported_at ): array {
	global $wpdb;
	return array(
		'plugin'         => $plugin,
		'table_prefix'   => $wpdb->get_blog_prefix(),
		'article_prefix' => Settings\get( 'article_prefix' ),
		'reader_prefix'  => Settings\get( 'reader_prefix' ),
		'exported_at'    => $exported_at,
		'theme_mods'     => theme_mods(),
	);
}

/**
 * The plug-in's settings in the theme, as PHP serializes them.
 */
function theme_mods(): string {
	$mods = get_option( 'theme_mods_' . get_option( 'stylesheet' ), array() );
	$own  = array();
	foreach ( is_array( $mods ) ? $mods : array() as $key => $value ) {
		if ( 1 === preg_match( '/^(pencipw|jpw)_/', (string) $key ) && is_scalar( $value ) ) {
			$own[ $key ] = $value;
		}
	}
	return array() === $own ? '' : (string) maybe_serialize( $own );
}

/**
 * The next users with data, and their rows in the order of `umeta_id`: as many as one request takes.
 *
 * @param int $after A user's ID; the users after it are read.
 * @param int $limit How many.
 * @return array<int, array{id:int, exists:bool, rows:array}>
 */
function users_after( int $after, int $limit ): array {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above.
	$ids = $wpdb->get_col( $wpdb->prepare( "SELECT DISTINCT m.user_id FROM $wpdb->usermeta m WHERE m.user_id > %d AND " . USER_KEYS . ' ORDER BY m.user_id LIMIT %d', $after, $limit ) );
	if ( array() === $ids ) {
		return array();
	}
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above.
	$rows  = $wpdb->get_results( $wpdb->prepare( "SELECT m.user_id AS id, m.meta_key AS name, COALESCE(m.meta_value, '') AS value, u.ID IS NOT NULL AS found FROM $wpdb->usermeta m LEFT JOIN $wpdb->users u ON u.ID = m.user_id WHERE m.user_id >= %d AND m.user_id <= %d AND " . USER_KEYS . ' ORDER BY m.user_id, m.umeta_id', $ids[0], end( $ids ) ) );
	$users = array();
	$bytes = 0;
	foreach ( $rows as $row ) {
		$id     = (int) $row->id;
		$bytes += strlen( $row->value );
		if ( ! isset( $users[ $id ] ) ) {
			if ( $bytes > PART_BYTES_MAX && array() !== $users ) {
				break;
			}
			$users[ $id ] = array(
				'id'     => $id,
				'exists' => (bool) $row->found,
				'rows'   => array(),
			);
		}
		$users[ $id ]['rows'][] = row( $row->name, $row->value );
	}
	return array_values( $users );
}

/**
 * One row as the service takes it; NUL, which no value of the plug-ins has, becomes visible.
 *
 * @param string $key   The key.
 * @param string $value The value as it is stored.
 * @return array{key:string, value:string}
 */
function row( string $key, string $value ): array {
	return array(
		'key'   => str_replace( "\0", '\0', $key ),
		'value' => str_replace( "\0", '\0', $value ),
	);
}

/**
 * Those of the posts that these users may have unlocked that exist, with their types. Every number
 * in a list is asked for, since the service alone reads what the list says.
 *
 * @param array $users Of users_after().
 */
function known_posts( array $users ): array {
	$ids = numbers( $users, 'unlocked_post_list' );
	return array_map(
		fn( $row ) => array(
			'id'        => (int) $row->id,
			'post_type' => $row->type,
		),
		select_in( 'SELECT ID AS id, post_type AS type FROM %i WHERE post_status NOT IN (\'auto-draft\', \'inherit\') AND ID IN (%s)', 'posts', $ids )
	);
}

/**
 * The subscriptions of GetPaid that these users' rows may name.
 *
 * @param array $users Of users_after().
 */
function profiles( array $users ): array {
	global $wpdb;
	$table = $wpdb->prefix . 'wpinv_subscriptions';
	if ( null === $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $table ) ) ) ) {
		return array();
	}
	return array_map(
		fn( $row ) => array(
			'id'         => (string) $row->id,
			'profile_id' => (string) $row->profile_id,
		),
		select_in( 'SELECT id, profile_id FROM %i WHERE id IN (%s)', 'wpinv_subscriptions', numbers( $users, 'stripe_subs_id' ) )
	);
}

/**
 * All numbers in the values of a field.
 *
 * @param array  $users Of users_after().
 * @param string $field The end of the key.
 * @return int[]
 */
function numbers( array $users, string $field ): array {
	$found = array();
	foreach ( $users as $user ) {
		foreach ( $user['rows'] as $row ) {
			if ( str_ends_with( $row['key'], $field ) ) {
				preg_match_all( '/\d{1,' . DIGITS_MAX . '}/', $row['value'], $matches );
				$found += array_fill_keys( array_map( 'intval', $matches[0] ), true );
			}
		}
	}
	unset( $found[0] );
	return array_keys( $found );
}

/**
 * Rows with one of these ids, a thousand ids at once.
 *
 * @param string $query With `%i` for the table and `%s` for the ids.
 * @param string $table Its name without the prefix.
 * @param int[]  $ids   Numbers.
 * @return object[]
 */
function select_in( string $query, string $table, array $ids ): array {
	global $wpdb;
	$rows = array();
	foreach ( array_chunk( $ids, 1000 ) as $part ) {
		$statement = str_replace( array( '%i', '%s' ), array( $wpdb->prefix . $table, implode( ',', $part ) ), $query );
		$rows      = array_merge( $rows, (array) $wpdb->get_results( $statement ) ); // phpcs:ignore WordPress.DB -- numbers, and a name of this file.
	}
	return $rows;
}

/**
 * The next posts, with what decides about their policies.
 *
 * @param int $after A post's ID; the posts after it are read.
 * @param int $limit How many.
 * @return array<int, array{id:int, rows:array}>
 */
function posts_after( int $after, int $limit ): array {
	global $wpdb;
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above.
	$ids = array_map( 'intval', $wpdb->get_col( $wpdb->prepare( "SELECT ID FROM $wpdb->posts WHERE ID > %d AND " . POSTS . ' ORDER BY ID LIMIT %d', $after, $limit ) ) );
	if ( array() === $ids ) {
		return array();
	}
	$posts = array();
	foreach ( $ids as $id ) {
		$posts[ $id ] = array(
			'id'   => $id,
			'rows' => array( row( 'post_type', 'post' ) ),
		);
	}
	$list = implode( ',', $ids );
	// phpcs:ignore WordPress.DB -- the list has numbers.
	$categories = $wpdb->get_results( "SELECT r.object_id AS id, 'category' AS name, x.term_id AS value FROM $wpdb->term_relationships r JOIN $wpdb->term_taxonomy x ON x.term_taxonomy_id = r.term_taxonomy_id JOIN $wpdb->terms t ON t.term_id = x.term_id WHERE x.taxonomy = 'category' AND r.object_id IN ($list) ORDER BY t.name" );
	// phpcs:ignore WordPress.DB -- the condition is one of the constants above, and the list has numbers.
	$metas = $wpdb->get_results( str_replace( '%%', '%', "SELECT m.post_id AS id, m.meta_key AS name, COALESCE(m.meta_value, '') AS value FROM $wpdb->postmeta m WHERE m.post_id IN ($list) AND " . POST_KEYS . ' ORDER BY m.meta_id' ) );
	$bytes = 0;
	foreach ( array_merge( $categories, $metas ) as $found ) {
		$posts[ (int) $found->id ]['rows'][] = row( $found->name, $found->value );
		$bytes                              += strlen( $found->value );
	}
	if ( $bytes > PART_BYTES_MAX && $limit > 1 && count( $ids ) > 1 ) {
		return posts_after( $after, (int) ceil( count( $ids ) / 2 ) );
	}
	return array_values( $posts );
}

/**
 * Categories with a guest mode.
 */
function terms(): array {
	global $wpdb;
	$rows = $wpdb->get_results( $wpdb->prepare( "SELECT term_id AS id, COALESCE(meta_value, '') AS value FROM $wpdb->termmeta WHERE meta_key = 'penci_guest_mode' ORDER BY meta_id DESC LIMIT %d", TERMS_MAX ) );
	return array_map(
		fn( $row ) => array(
			'id'         => (int) $row->id,
			'guest_mode' => $row->value,
		),
		$rows
	);
}
