<?php
/**
 * The plug-in's own capabilities.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\Capabilities;

defined( 'ABSPATH' ) || exit;

// To change the settings of the paywall.
const MANAGE = 'paywall_manage';
// To read every article without a subscription.
const READ_ALL = 'paywall_read_all';

/**
 * Add the hooks.
 */
function register(): void {
	add_filter( 'user_has_cap', __NAMESPACE__ . '\grant', 10, 1 );
}

/**
 * Administrators may change the settings, and whoever may edit all posts may read them. A role can
 * have either capability in addition, or be denied it (`false`) by a plug-in for roles.
 *
 * @param bool[] $capabilities What a user has, by capability.
 * @return bool[]
 */
function grant( array $capabilities ): array {
	if ( ! empty( $capabilities['manage_options'] ) ) {
		$capabilities += array( MANAGE => true );
	}
	if ( ! empty( $capabilities['edit_others_posts'] ) ) {
		$capabilities += array( READ_ALL => true );
	}
	return $capabilities;
}
