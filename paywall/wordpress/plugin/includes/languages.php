<?php
/**
 * Translations of the plug-in's texts.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Languages;

defined( 'ABSPATH' ) || exit;

/**
 * Add the hooks.
 */
function register(): void {
	// Before everything else that is done then: blocks are registered with their titles.
	add_action( 'init', __NAMESPACE__ . '\load', 0 );
}

/**
 * Load the translation into the user's or the site's language.
 */
function load(): void {
	load_plugin_textdomain( 'paywall', false, dirname( plugin_basename( \Paywall\FILE ) ) . '/languages' );
}
