<?php
/**
 * Settings: constants of wp-config.php first, then the option, then a default.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const OPTION              = 'paywall_settings';
const TIMEOUT_SECONDS_MAX = 30;

// `when_down` is `preview` or `open`; a page is named by its post ID, 0 for none.
const DEFAULTS = array(
	'service_url'        => '',
	'public_url'         => '',
	'site_token'         => '',
	'when_down'          => 'preview',
	'timeout_seconds'    => 3,
	'article_prefix'     => '',
	'reader_prefix'      => '',
	'default_policy'     => 'free',
	'default_cost'       => 1,
	'preview_paragraphs' => 2,
	'preview_share'      => 0.4,
	'account_page'       => 0,
	'shop_page'          => 0,
	'consent'            => false,
);

// The settings that wp-config.php can set, as PAYWALL_SERVICE_URL and so on.
const BY_CONSTANT = array(
	'service_url',
	'public_url',
	'site_token',
	'when_down',
	'timeout_seconds',
	'article_prefix',
	'reader_prefix',
);

/**
 * One setting, in the type of its default. The token is for requests alone: never print it.
 *
 * @param string $name A key of DEFAULTS.
 * @return mixed
 */
function get( string $name ) {
	$default = DEFAULTS[ $name ];
	$saved   = get_option( OPTION, array() );
	$value   = is_array( $saved ) ? ( $saved[ $name ] ?? $default ) : $default;
	if ( is_constant( $name ) ) {
		$value = constant( constant_name( $name ) );
	}
	return finish( $name, typed( $value, $default ) );
}

/**
 * Whether wp-config.php sets it, so that the settings page cannot.
 *
 * @param string $name A key of DEFAULTS.
 */
function is_constant( string $name ): bool {
	return in_array( $name, BY_CONSTANT, true ) && defined( constant_name( $name ) );
}

/**
 * The constant that sets it.
 *
 * @param string $name A key of DEFAULTS.
 */
function constant_name( string $name ): string {
	return 'PAYWALL_' . strtoupper( $name );
}

/**
 * Whether there is a service to ask.
 */
function is_connected(): bool {
	return '' !== get( 'service_url' ) && '' !== get( 'site_token' );
}

/**
 * The value in the type of the default: options and constants may hold any.
 *
 * @param mixed $value         As it was saved.
 * @param mixed $default_value Of the type that is wanted.
 * @return mixed
 */
function typed( $value, $default_value ) {
	if ( ! is_scalar( $value ) ) {
		return $default_value;
	}
	if ( is_int( $default_value ) ) {
		return (int) $value;
	}
	if ( is_bool( $default_value ) ) {
		return (bool) $value;
	}
	return is_float( $default_value ) ? (float) $value : trim( (string) $value );
}

/**
 * What one setting means beyond its own value.
 *
 * @param string $name  A key of DEFAULTS.
 * @param mixed  $value Of the right type.
 * @return mixed
 */
function finish( string $name, $value ) {
	switch ( $name ) {
		case 'service_url':
			return untrailingslashit( $value );
		case 'public_url':
			// Browsers reach the service where WordPress does, unless there is a second address.
			return '' === $value ? get( 'service_url' ) : untrailingslashit( $value );
		case 'when_down':
			return 'open' === $value ? 'open' : 'preview';
		case 'timeout_seconds':
			return max( 1, min( TIMEOUT_SECONDS_MAX, $value ) );
		case 'article_prefix':
			// Sites of a network count their posts each from 1, and may share one service.
			return is_main_site() ? $value : $value . get_current_blog_id() . '-';
		default:
			return $value;
	}
}
