<?php
/**
 * WordPress' tools for personal data: export and erasure by the service.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Privacy;

use Paywall\Service;
use Paywall\Users;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

const ITEMS_A_PAGE   = 100;
const HTTP_NOT_FOUND = 404;
const HTTP_CONFLICT  = 409;

/**
 * Add the hooks.
 */
function register(): void {
	add_filter( 'wp_privacy_personal_data_exporters', __NAMESPACE__ . '\add_exporter' );
	add_filter( 'wp_privacy_personal_data_erasers', __NAMESPACE__ . '\add_eraser' );
	add_action( 'admin_init', __NAMESPACE__ . '\suggest_policy' );
}

/**
 * Offer the export to WordPress.
 *
 * @param array $exporters Those there are.
 */
function add_exporter( array $exporters ): array {
	$exporters['paywall'] = array(
		'exporter_friendly_name' => __( 'Paywall', 'paywall' ),
		'callback'               => __NAMESPACE__ . '\export',
	);
	return $exporters;
}

/**
 * Offer the erasure to WordPress.
 *
 * @param array $erasers Those there are.
 */
function add_eraser( array $erasers ): array {
	$erasers['paywall'] = array(
		'eraser_friendly_name' => __( 'Paywall', 'paywall' ),
		'callback'             => __NAMESPACE__ . '\erase',
	);
	return $erasers;
}

/**
 * One page of what the service has on record about a user.
 *
 * @param string $email Whose.
 * @param int    $page  From 1 on.
 * @return array|\WP_Error `data` and `done`; an error stops the export, so that it is never partial.
 */
function export( string $email, int $page = 1 ) {
	$reader_id = reader_of( $email );
	$items     = array();
	if ( null !== $reader_id ) {
		$answer = Service\request( 'GET', Service\path( '/v1/subscribers/%s/export', $reader_id ), null, true );
		if ( 200 === $answer['status'] ) {
			$items = items( $answer['body'] );
		} elseif ( HTTP_NOT_FOUND !== $answer['status'] ) {
			return unconfirmed( $answer );
		}
	}
	$first = ( max( 1, $page ) - 1 ) * ITEMS_A_PAGE;
	return array(
		'data' => array_slice( $items, $first, ITEMS_A_PAGE ),
		'done' => $first + ITEMS_A_PAGE >= count( $items ),
	);
}

/**
 * Erase what the service has on record about a user.
 *
 * @param string $email Whose.
 * @return array|\WP_Error What was removed; an error as long as the service has not confirmed it.
 */
function erase( string $email ) {
	$reader_id = reader_of( $email );
	$result    = array(
		'items_removed'  => false,
		'items_retained' => false,
		'messages'       => array(),
		'done'           => true,
	);
	if ( null === $reader_id ) {
		return $result;
	}
	$answer = Users\erase( $reader_id );
	if ( '' !== $answer['error'] ) {
		return unconfirmed( $answer );
	}
	$result['items_removed'] = true;
	// Payments stay, because the law asks for books; nobody can be recognised by them.
	$result['messages'][] = __( 'The paywall service has erased the reader. Payments stay on record under a random id.', 'paywall' );
	return $result;
}

/**
 * A sentence for the site's privacy policy.
 */
function suggest_policy(): void {
	$text = __( 'Our paywall service keeps, under your user ID: your credits and payments, the articles that you unlocked, your subscriptions, and the free articles that you read this month. It sets the cookie paywall_visitor, with a random number, for a year, to count the free articles of visitors who are not signed in.', 'paywall' );
	wp_add_privacy_policy_content( __( 'Paywall', 'paywall' ), wp_kses_post( wpautop( $text ) ) );
}

/**
 * The service's id of a user; null for nobody.
 *
 * @param string $email The user's.
 */
function reader_of( string $email ): ?string {
	$user = get_user_by( 'email', $email );
	return false === $user ? null : Viewer\reader_id( $user->ID );
}

/**
 * The error for whoever handles the request.
 *
 * @param array{status:int, error:string} $answer Of the service.
 */
function unconfirmed( array $answer ): \WP_Error {
	if ( HTTP_CONFLICT === $answer['status'] ) {
		$text = __( 'The paywall service could not erase the reader yet, because a payment is pending. Try again later.', 'paywall' );
	} else {
		$text = __( 'The paywall service has not confirmed it, so nothing counts as done. Try again.', 'paywall' );
	}
	return new \WP_Error( 'paywall_unconfirmed', trim( "$text {$answer['error']}" ) );
}

/**
 * The export in the form of WordPress: one item for each entry of each section.
 *
 * @param array $sections As the service answered, by name.
 * @return array[]
 */
function items( array $sections ): array {
	$items = array();
	foreach ( $sections as $name => $section ) {
		if ( ! is_array( $section ) ) {
			continue;
		}
		$about = is_string( $section['about'] ?? null ) ? $section['about'] : '';
		unset( $section['about'] );
		foreach ( entries( $section ) as $place => $entry ) {
			$items[] = array(
				'group_id'          => "paywall-$name",
				// translators: %s: a section of the export, such as credits.
				'group_label'       => sprintf( __( 'Paywall: %s', 'paywall' ), str_replace( '_', ' ', (string) $name ) ),
				'group_description' => $about,
				'item_id'           => "paywall-$name-$place",
				'data'              => fields( $entry ),
			);
		}
	}
	return $items;
}

/**
 * The entries of a section: each of its lists' items, and its own plain fields as one entry.
 *
 * @param array $section Of the export.
 * @return array[]
 */
function entries( array $section ): array {
	$plain = array_filter( $section, fn( $value ) => ! is_array( $value ) );
	$found = array() === $plain ? array() : array( $plain );
	foreach ( $section as $list ) {
		foreach ( is_array( $list ) ? $list : array() as $entry ) {
			$found[] = is_array( $entry ) ? $entry : array( 'value' => $entry );
		}
	}
	return $found;
}

/**
 * An entry as names and values; what is nested, by its path.
 *
 * @param array  $entry  An entry.
 * @param string $prefix The path to it.
 * @return array[]
 */
function fields( array $entry, string $prefix = '' ): array {
	$fields = array();
	foreach ( $entry as $name => $value ) {
		$path = $prefix . str_replace( '_', ' ', (string) $name );
		if ( is_array( $value ) ) {
			$fields = array_merge( $fields, fields( $value, "$path, " ) );
		} elseif ( null !== $value && '' !== $value ) {
			$fields[] = array(
				'name'  => $path,
				'value' => is_bool( $value ) ? ( $value ? __( 'yes', 'paywall' ) : __( 'no', 'paywall' ) ) : esc_html( (string) $value ),
			);
		}
	}
	return $fields;
}
