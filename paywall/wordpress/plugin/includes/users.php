<?php
/**
 * Users who are deleted are erased in the service.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Users;

use Paywall\Queue;
use Paywall\Service;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'deleted_user', __NAMESPACE__ . '\after_delete' );
}

/**
 * Have a deleted user erased. Removed from one site of a network, a user is not deleted.
 *
 * @param int $user_id Who was deleted.
 */
function after_delete( int $user_id ): void {
	global $wpdb;
	$query = $wpdb->prepare( "SELECT ID FROM $wpdb->users WHERE ID = %d", $user_id );
	// phpcs:ignore WordPress.DB -- prepared in the line above; a cache may still hold the user.
	if ( null !== $wpdb->get_var( $query ) ) {
		return;
	}
	$reader_id = Viewer\reader_id( $user_id );
	if ( null !== $reader_id ) {
		Queue\add( 'reader', $reader_id );
	}
}

/**
 * Erase a reader in the service, which ends what they still pay for first. Repeating it is safe.
 *
 * @param string $reader_id The service's id.
 * @return array{status:int, body:array|null, error:string}
 */
function erase( string $reader_id ): array {
	return Service\request( 'DELETE', Service\path( '/v1/subscribers/%s', $reader_id ), null, true );
}
