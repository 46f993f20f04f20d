<?php
/**
 * The fields of the settings page, each by its kind.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\Fields;

use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const TEXT_CHARACTERS_MAX  = 100;
const TOKEN_CHARACTERS_MAX = 8192;

/**
 * The policies with their names for editors, from open to closed.
 *
 * @return string[]
 */
function policy_labels(): array {
	return array(
		'free'        => __( 'Everybody', 'paywall' ),
		'registered'  => __( 'Everybody who is signed in', 'paywall' ),
		'metered'     => __( 'Everybody, for some articles a month', 'paywall' ),
		'premium'     => __( 'Subscribers, and readers who unlocked it', 'paywall' ),
		'subscribers' => __( 'Subscribers only', 'paywall' ),
	);
}

/**
 * The id of a field's element.
 *
 * @param string $name The setting.
 */
function element_id( string $name ): string {
	return "paywall_$name";
}

/**
 * Print one field with its help.
 *
 * @param array $field As the settings page describes it, with its name.
 */
function print_field( array $field ): void {
	$name = $field['name'];
	if ( Settings\is_constant( $name ) ) {
		/* translators: %s: the name of a constant. */
		printf( '<p>' . esc_html__( 'Set in wp-config.php by %s.', 'paywall' ) . '</p>', '<code>' . esc_html( Settings\constant_name( $name ) ) . '</code>' );
		return;
	}
	$id       = element_id( $name );
	$help_id  = "$id-help";
	$saved    = get_option( Settings\OPTION, array() );
	$value    = is_array( $saved ) ? ( $saved[ $name ] ?? Settings\DEFAULTS[ $name ] ) : Settings\DEFAULTS[ $name ];
	$full     = Settings\OPTION . "[$name]";
	$describe = '' === $field['help'] ? '' : $help_id;
	print_control( $field, $id, $full, $value, $describe );
	if ( '' !== $describe ) {
		printf( '<p class="description" id="%s">%s</p>', esc_attr( $help_id ), esc_html( $field['help'] ) );
	}
}

/**
 * Print the element that takes the value.
 *
 * @param array  $field    The field.
 * @param string $id       The element's id.
 * @param string $full     The name that the form sends.
 * @param mixed  $value    What is saved.
 * @param string $describe The id of its help, if it has one.
 */
function print_control( array $field, string $id, string $full, $value, string $describe ): void {
	switch ( $field['kind'] ) {
		case 'choice':
			print_choice( $field['choices'], $id, $full, (string) $value, $describe );
			break;
		case 'checkbox':
			printf( '<input type="checkbox" id="%s" name="%s" value="1" aria-describedby="%s"%s>', esc_attr( $id ), esc_attr( $full ), esc_attr( $describe ), checked( (bool) $value, true, false ) );
			break;
		case 'number':
		case 'share':
			printf(
				'<input type="number" class="small-text" id="%s" name="%s" value="%s" min="%s" max="%s" step="%s" aria-describedby="%s">',
				esc_attr( $id ),
				esc_attr( $full ),
				esc_attr( (string) $value ),
				esc_attr( (string) $field['min'] ),
				esc_attr( (string) $field['max'] ),
				'share' === $field['kind'] ? '0.01' : '1',
				esc_attr( $describe )
			);
			break;
		case 'page':
			wp_dropdown_pages(
				array(
					'name'              => esc_attr( $full ),
					'id'                => esc_attr( $id ),
					'selected'          => (int) $value,
					'show_option_none'  => esc_html__( '— None —', 'paywall' ),
					'option_none_value' => '0',
				)
			);
			break;
		case 'token':
			// What is saved never leaves the server: the page only says whether there is one.
			printf(
				'<input type="password" class="regular-text" id="%s" name="%s" value="" autocomplete="off" placeholder="%s" aria-describedby="%s">',
				esc_attr( $id ),
				esc_attr( $full ),
				esc_attr( '' === (string) $value ? __( 'Not set', 'paywall' ) : __( 'Saved', 'paywall' ) ),
				esc_attr( $describe )
			);
			break;
		default:
			printf(
				'<input type="%s" class="regular-text code" id="%s" name="%s" value="%s" aria-describedby="%s">',
				'url' === $field['kind'] ? 'url' : 'text',
				esc_attr( $id ),
				esc_attr( $full ),
				esc_attr( (string) $value ),
				esc_attr( $describe )
			);
	}
}

/**
 * Print a drop-down list.
 *
 * @param string[] $choices  Labels by value.
 * @param string   $id       The element's id.
 * @param string   $name     The name that the form sends.
 * @param string   $value    What is chosen.
 * @param string   $describe The id of its help, if it has one.
 */
function print_choice( array $choices, string $id, string $name, string $value, string $describe = '' ): void {
	printf( '<select id="%s" name="%s" aria-describedby="%s">', esc_attr( $id ), esc_attr( $name ), esc_attr( $describe ) );
	foreach ( $choices as $choice => $label ) {
		printf( '<option value="%s"%s>%s</option>', esc_attr( (string) $choice ), selected( $value, (string) $choice, false ), esc_html( $label ) );
	}
	echo '</select>';
}

/**
 * A value as it may be saved, or what is wrong with it.
 *
 * @param array $field The field.
 * @param mixed $value What was sent.
 * @return mixed|\WP_Error
 */
function sanitize( array $field, $value ) {
	if ( ! is_scalar( $value ) ) {
		return new \WP_Error( 'paywall', __( 'this is not one value.', 'paywall' ) );
	}
	$text = trim( (string) $value );
	switch ( $field['kind'] ) {
		case 'url':
			return sanitize_url_setting( $text );
		case 'token':
			return sanitize_token( $text );
		case 'checkbox':
			return (bool) $value;
		case 'choice':
			return isset( $field['choices'][ $text ] ) ? $text : new \WP_Error( 'paywall', __( 'choose one of the list.', 'paywall' ) );
		case 'page':
			return max( 0, (int) $text );
		case 'number':
		case 'share':
			return sanitize_number( $field, $text );
		default:
			if ( 1 !== preg_match( '/^[A-Za-z0-9._-]*$/D', $text ) || strlen( $text ) > TEXT_CHARACTERS_MAX ) {
				return new \WP_Error( 'paywall', __( 'use letters, digits, dots, hyphens and underscores.', 'paywall' ) );
			}
			return $text;
	}
}

/**
 * An address of the service.
 *
 * @param string $text What was sent.
 * @return string|\WP_Error
 */
function sanitize_url_setting( string $text ) {
	$address = esc_url_raw( $text, array( 'http', 'https' ) );
	$parts   = wp_parse_url( $address );
	if ( '' !== $text && ( ! is_array( $parts ) || empty( $parts['host'] ) || isset( $parts['user'] ) || isset( $parts['query'] ) ) ) {
		return new \WP_Error( 'paywall', __( 'write an address such as https://paywall.example.org, without a user name or a question mark.', 'paywall' ) );
	}
	return untrailingslashit( $address );
}

/**
 * A site token: three parts, as `paywall token site` prints it.
 *
 * @param string $text What was sent.
 * @return string|\WP_Error
 */
function sanitize_token( string $text ) {
	if ( strlen( $text ) > TOKEN_CHARACTERS_MAX || 1 !== preg_match( '/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/D', $text ) ) {
		return new \WP_Error( 'paywall', __( 'this is not a token. Copy the whole line that `paywall token site` prints.', 'paywall' ) );
	}
	return $text;
}

/**
 * A number within the field's bounds.
 *
 * @param array  $field The field.
 * @param string $text  What was sent.
 * @return int|float|\WP_Error
 */
function sanitize_number( array $field, string $text ) {
	$is_whole = 'number' === $field['kind'];
	$pattern  = $is_whole ? '/^[0-9]{1,7}$/D' : '/^[0-9]{1,7}([.,][0-9]{1,6})?$/D';
	$number   = (float) str_replace( ',', '.', $text );
	if ( 1 !== preg_match( $pattern, $text ) || $number < $field['min'] || $number > $field['max'] ) {
		/* translators: 1: the smallest number, 2: the largest number. */
		return new \WP_Error( 'paywall', sprintf( __( 'write a number from %1$s to %2$s.', 'paywall' ), $field['min'], $field['max'] ) );
	}
	return $is_whole ? (int) $number : $number;
}
