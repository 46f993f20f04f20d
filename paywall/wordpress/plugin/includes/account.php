<?php
/**
 * The reader's account: a shortcode and a block with the element of the service's script.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Account;

use Paywall\Gate;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const SHORTCODE = 'paywall_account';
const BLOCK     = 'paywall/account';
const EDITOR    = 'paywall-account-editor';

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'init', __NAMESPACE__ . '\register_elements' );
}

/**
 * The shortcode and the block.
 */
function register_elements(): void {
	add_shortcode( SHORTCODE, __NAMESPACE__ . '\markup' );
	wp_register_script(
		EDITOR,
		plugins_url( 'assets/account-block.js', \Paywall\FILE ),
		array( 'wp-blocks', 'wp-element', 'wp-block-editor' ),
		\Paywall\VERSION,
		true
	);
	add_words();
	register_block_type(
		BLOCK,
		array(
			'api_version'           => 2,
			'title'                 => __( 'Paywall account', 'paywall' ),
			'description'           => __( 'The credits, the subscription and the payments of the reader who is signed in.', 'paywall' ),
			'category'              => 'widgets',
			'icon'                  => 'id',
			'supports'              => array(
				'html'     => false,
				'multiple' => false,
			),
			'editor_script_handles' => array( EDITOR ),
			'render_callback'       => __NAMESPACE__ . '\markup',
		)
	);
}

/**
 * The words of the block in the editor, translated as the plug-in's others are.
 */
function add_words(): void {
	$words = array( 'placeholder' => __( 'Each reader sees their own credits, subscription and payments here.', 'paywall' ) );
	wp_add_inline_script( EDITOR, 'window.paywallAccount = ' . wp_json_encode( $words, JSON_HEX_TAG | JSON_HEX_AMP ) . ';', 'before' );
}

/**
 * The element, with a sentence in it that stands until the script has replaced it.
 *
 * The script asks who is signed in, so the markup is the same for everybody.
 */
function markup(): string {
	if ( '' === Settings\get( 'public_url' ) ) {
		return '';
	}
	Gate\enqueue();
	$here = (string) get_permalink();
	return sprintf(
		"<div class=\"paywall-account\"%s>\n<paywall-account>\n%s</paywall-account>\n</div>",
		Gate\attributes( Gate\settings_of_page( $here ) ),
		fallback( $here )
	);
}

/**
 * What stands there without the script.
 *
 * @param string $here The page.
 */
function fallback( string $here ): string {
	if ( is_user_logged_in() ) {
		$text = __( 'Your account cannot be shown right now.', 'paywall' );
		$link = array( $here, __( 'Try again', 'paywall' ) );
	} else {
		$text = __( 'Sign in to see your account.', 'paywall' );
		$link = array( wp_login_url( $here ), __( 'Sign in', 'paywall' ) );
	}
	return sprintf( "<p class=\"paywall-fallback\">%s <a href=\"%s\" rel=\"nofollow\">%s</a></p>\n", esc_html( $text ), esc_url( $link[0] ), esc_html( $link[1] ) );
}
