<?php
/**
 * The folder for `paywall import wordpress`, as a zip.
 *
 * It is made outside of the web root and deleted as soon as it is sent: it shows what readers read.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Migration\Folder;

use Paywall\Admin\Capabilities;
use Paywall\Migration\Reading;
use ZipArchive;

defined( 'ABSPATH' ) || exit;

// phpcs:disable WordPress.WP.AlternativeFunctions -- WP_Filesystem writes whole files, and below the web root.

const ACTION   = 'paywall_migration_folder';
const PART_MAX = 500;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'admin_post_' . ACTION, __NAMESPACE__ . '\send' );
}

/**
 * Send the zip.
 */
function send(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) ) {
		wp_die( esc_html__( 'You may not do this.', 'paywall' ), '', array( 'response' => 403 ) );
	}
	check_admin_referer( ACTION );
	ignore_user_abort( true );
	$path = class_exists( ZipArchive::class ) ? make() : null;
	if ( null === $path ) {
		wp_die( esc_html__( 'The folder cannot be made: PHP needs the extension zip, and a temporary directory outside of the web root. The documentation has an SQL script that writes it.', 'paywall' ) );
	}
	nocache_headers();
	header( 'Content-Type: application/zip' );
	header( 'Content-Disposition: attachment; filename="export.zip"' );
	header( 'Content-Length: ' . filesize( $path ) );
	readfile( $path );
	unlink( $path );
	exit;
}

/**
 * Make the zip; its path, or null without a directory for it.
 */
function make(): ?string {
	$files = array();
	foreach ( array( 'zip', 'users.csv', 'posts.csv', 'terms.csv', 'getpaid.csv' ) as $name ) {
		$files[ $name ] = temporary_file();
		if ( null === $files[ $name ] ) {
			array_map( 'unlink', array_filter( $files ) );
			return null;
		}
	}
	$zip = new ZipArchive();
	$zip->open( $files['zip'], ZipArchive::CREATE | ZipArchive::OVERWRITE );
	$settings = Reading\settings( Reading\detect()['plugin'], gmdate( 'Y-m-d\TH:i:s\Z' ) );
	$zip->addFromString( 'export/settings.json', (string) wp_json_encode( $settings, JSON_PRETTY_PRINT ) );
	write( $files['users.csv'], array( 'user_id', 'meta_key', 'meta_value' ), user_rows() );
	write( $files['posts.csv'], array( 'post_id', 'meta_key', 'meta_value' ), post_rows() );
	write( $files['terms.csv'], array( 'term_id', 'meta_key', 'meta_value' ), term_rows() );
	write( $files['getpaid.csv'], array( 'id', 'profile_id' ), profile_rows() );
	foreach ( array( 'users.csv', 'posts.csv', 'terms.csv', 'getpaid.csv' ) as $name ) {
		$zip->addFile( $files[ $name ], "export/$name" );
	}
	$zip->close();
	$path = $files['zip'];
	unset( $files['zip'] );
	array_map( 'unlink', $files );
	return $path;
}

/**
 * A new file that only this user may read; null if there is no place outside of the web root.
 */
function temporary_file(): ?string {
	$folder = realpath( sys_get_temp_dir() );
	$root   = realpath( ABSPATH );
	if ( false === $folder || ( false !== $root && str_starts_with( "$folder/", rtrim( $root, '/' ) . '/' ) ) ) {
		return null;
	}
	$path = tempnam( $folder, 'paywall' );
	return false === $path ? null : $path;
}

/**
 * Write a CSV file as in RFC 4180.
 *
 * @param string   $path Its path.
 * @param string[] $head The names of the columns.
 * @param iterable $rows The rows.
 */
function write( string $path, array $head, iterable $rows ): void {
	$file = fopen( $path, 'wb' );
	fputcsv( $file, $head, ',', '"', '' );
	foreach ( $rows as $row ) {
		fputcsv( $file, $row, ',', '"', '' );
	}
	fclose( $file );
}

/**
 * All users who exist, and the rows of all users.
 */
function user_rows(): iterable {
	global $wpdb;
	$after = 0;
	do {
		$ids = $wpdb->get_col( $wpdb->prepare( "SELECT ID FROM $wpdb->users WHERE ID > %d ORDER BY ID LIMIT %d", $after, PART_MAX ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- only the ids.
		foreach ( $ids as $id ) {
			yield array( $id, 'ID', $id );
			$after = (int) $id;
		}
	} while ( array() !== $ids );
	yield from meta_rows( 'Paywall\Migration\Reading\users_after' );
}

/**
 * The rows of all posts, and the types of those that are none.
 */
function post_rows(): iterable {
	global $wpdb;
	$after = 0;
	do {
		$others = $wpdb->get_results( $wpdb->prepare( "SELECT ID AS id, post_type AS type FROM $wpdb->posts WHERE ID > %d AND post_type <> 'post' AND post_status NOT IN ('auto-draft', 'inherit') ORDER BY ID LIMIT %d", $after, PART_MAX ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- only ids and types.
		foreach ( $others as $other ) {
			yield array( $other->id, 'post_type', $other->type );
			$after = (int) $other->id;
		}
	} while ( array() !== $others );
	yield from meta_rows( 'Paywall\Migration\Reading\posts_after' );
}

/**
 * The rows of everything that a function of Reading reads.
 *
 * @param callable $read Reads the next ones after an ID.
 */
function meta_rows( callable $read ): iterable {
	$after = 0;
	do {
		$items = $read( $after, PART_MAX );
		foreach ( $items as $item ) {
			foreach ( $item['rows'] as $row ) {
				yield array( $item['id'], $row['key'], $row['value'] );
			}
			$after = $item['id'];
		}
	} while ( array() !== $items );
}

/**
 * The categories with a guest mode.
 */
function term_rows(): iterable {
	// The newest row of a category is the first in this list; in the file it is the last.
	foreach ( array_reverse( Reading\terms() ) as $term ) {
		yield array( $term['id'], 'penci_guest_mode', $term['guest_mode'] );
	}
}

/**
 * The subscriptions of GetPaid that users' rows name.
 */
function profile_rows(): iterable {
	$after = 0;
	do {
		$users = Reading\users_after( $after, PART_MAX );
		foreach ( Reading\profiles( $users ) as $profile ) {
			yield array( $profile['id'], $profile['profile_id'] );
		}
		$after = array() === $users ? $after : end( $users )['id'];
	} while ( array() !== $users );
}
