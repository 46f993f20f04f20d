<?php
/**
 * The settings page: Settings → Paywall.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Admin\SettingsPage;

use Paywall\Admin\Capabilities;
use Paywall\Admin\Fields;
use Paywall\Policy;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const PAGE  = 'paywall';
const GROUP = 'paywall';

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'admin_menu', __NAMESPACE__ . '\add_page' );
	add_action( 'admin_init', __NAMESPACE__ . '\add_fields' );
	add_filter( 'option_page_capability_' . GROUP, __NAMESPACE__ . '\capability' );
	add_filter( 'plugin_action_links_' . plugin_basename( \Paywall\FILE ), __NAMESPACE__ . '\add_link' );
}

/**
 * Who may save the settings.
 */
function capability(): string {
	return Capabilities\MANAGE;
}

/**
 * The page's address.
 */
function url(): string {
	return admin_url( 'options-general.php?page=' . PAGE );
}

/**
 * Add the page to the menu.
 */
function add_page(): void {
	add_options_page(
		__( 'Paywall', 'paywall' ),
		__( 'Paywall', 'paywall' ),
		Capabilities\MANAGE,
		PAGE,
		__NAMESPACE__ . '\print_page'
	);
}

/**
 * A link to the page in the list of plug-ins.
 *
 * @param string[] $links The plug-in's links.
 * @return string[]
 */
function add_link( array $links ): array {
	$link = sprintf( '<a href="%s">%s</a>', esc_url( url() ), esc_html__( 'Settings', 'paywall' ) );
	return current_user_can( Capabilities\MANAGE ) ? array_merge( array( $link ), $links ) : $links;
}

/**
 * Register the option, its sections and its fields.
 */
function add_fields(): void {
	register_setting(
		GROUP,
		Settings\OPTION,
		array(
			'type'              => 'object',
			'sanitize_callback' => __NAMESPACE__ . '\sanitize',
			'show_in_rest'      => false,
		)
	);
	foreach ( sections() as $section => $title ) {
		add_settings_section( $section, $title, '__return_null', PAGE );
	}
	foreach ( fields() as $name => $field ) {
		add_settings_field(
			$name,
			$field['label'],
			'Paywall\Admin\Fields\print_field',
			PAGE,
			$field['section'],
			$field + array(
				'name'      => $name,
				'label_for' => Fields\element_id( $name ),
			)
		);
	}
}

/**
 * The page's sections, by id.
 *
 * @return string[]
 */
function sections(): array {
	return array(
		'connection' => __( 'Connection', 'paywall' ),
		'articles'   => __( 'Articles', 'paywall' ),
		'readers'    => __( 'Readers', 'paywall' ),
	);
}

/**
 * The page's fields, by the name of their setting.
 *
 * @return array[]
 */
function fields(): array {
	return fields_of_connection() + fields_of_articles() + fields_of_readers();
}

/**
 * How the service is reached.
 *
 * @return array[]
 */
function fields_of_connection(): array {
	return array(
		'service_url'     => array(
			'section' => 'connection',
			'kind'    => 'url',
			'label'   => __( 'Address of the service', 'paywall' ),
			'help'    => __( 'As this server reaches it, such as http://127.0.0.1:8000.', 'paywall' ),
		),
		'public_url'      => array(
			'section' => 'connection',
			'kind'    => 'url',
			'label'   => __( 'Address for browsers', 'paywall' ),
			'help'    => __( 'As readers’ browsers reach it, such as https://paywall.example.org. Leave it empty if it is the same.', 'paywall' ),
		),
		'site_token'      => array(
			'section' => 'connection',
			'kind'    => 'token',
			'label'   => __( 'Site token', 'paywall' ),
			'help'    => __( 'The token is never shown again. Leave it empty to keep the one that is saved. It is safer in wp-config.php, as PAYWALL_SITE_TOKEN.', 'paywall' ),
		),
		'when_down'       => array(
			'section' => 'connection',
			'kind'    => 'choice',
			'label'   => __( 'When the service does not answer', 'paywall' ),
			'choices' => array(
				'preview' => __( 'Show the preview only', 'paywall' ),
				'open'    => __( 'Show whole articles to everybody', 'paywall' ),
			),
			'help'    => '',
		),
		'timeout_seconds' => array(
			'section' => 'connection',
			'kind'    => 'number',
			'label'   => __( 'Time-out in seconds', 'paywall' ),
			'min'     => 1,
			'max'     => Settings\TIMEOUT_SECONDS_MAX,
			'help'    => __( 'How long a page waits for the service, once for each page.', 'paywall' ),
		),
	);
}

/**
 * What holds for articles without terms of their own.
 *
 * @return array[]
 */
function fields_of_articles(): array {
	return array(
		'default_policy'     => array(
			'section' => 'articles',
			'kind'    => 'choice',
			'label'   => __( 'Who may read', 'paywall' ),
			'choices' => Fields\policy_labels(),
			'help'    => __( 'For articles where neither the article nor one of its categories and tags says otherwise.', 'paywall' ),
		),
		'default_cost'       => array(
			'section' => 'articles',
			'kind'    => 'number',
			'label'   => __( 'Price in credits', 'paywall' ),
			'min'     => 1,
			'max'     => Policy\COST_MAX,
			'help'    => __( 'What it costs to unlock an article.', 'paywall' ),
		),
		'preview_paragraphs' => array(
			'section' => 'articles',
			'kind'    => 'number',
			'label'   => __( 'Paragraphs of the preview', 'paywall' ),
			'min'     => 0,
			'max'     => 1000,
			'help'    => __( 'A “more” block or tag in the article ends the preview earlier or later.', 'paywall' ),
		),
		'preview_share'      => array(
			'section' => 'articles',
			'kind'    => 'share',
			'label'   => __( 'Share of the preview', 'paywall' ),
			'min'     => 0,
			'max'     => 1,
			'help'    => __( 'At most this share of an article is shown, such as 0.4.', 'paywall' ),
		),
		'article_prefix'     => array(
			'section' => 'articles',
			'kind'    => 'text',
			'label'   => __( 'Prefix of article ids', 'paywall' ),
			'help'    => __( 'Only if another site uses the same service. Do not change it later.', 'paywall' ),
		),
	);
}

/**
 * What readers need.
 *
 * @return array[]
 */
function fields_of_readers(): array {
	return array(
		'account_page'  => array(
			'section' => 'readers',
			'kind'    => 'page',
			'label'   => __( 'Account page', 'paywall' ),
			'help'    => __( 'A page with the block “Paywall account” or the shortcode [paywall_account].', 'paywall' ),
		),
		'shop_page'     => array(
			'section' => 'readers',
			'kind'    => 'page',
			'label'   => __( 'Shop page', 'paywall' ),
			'help'    => __( 'Where the gate sends readers who want to buy. Leave it empty to sell in the gate itself.', 'paywall' ),
		),
		'consent'       => array(
			'section' => 'readers',
			'kind'    => 'checkbox',
			'label'   => __( 'Immediate delivery', 'paywall' ),
			'help'    => __( 'Ask readers to agree that delivery begins at once and that they lose the right of withdrawal (European Union).', 'paywall' ),
		),
		'reader_prefix' => array(
			'section' => 'readers',
			'kind'    => 'text',
			'label'   => __( 'Prefix of reader ids', 'paywall' ),
			'help'    => __( 'Only if another site uses the same service. Do not change it later.', 'paywall' ),
		),
	);
}

/**
 * The settings as they are saved. A bad value leaves the saved one, and says why.
 *
 * @param mixed $sent What the form sent.
 * @return array
 */
function sanitize( $sent ): array {
	$saved = get_option( Settings\OPTION, array() );
	$saved = is_array( $saved ) ? $saved : array();
	if ( ! is_array( $sent ) ) {
		return $saved;
	}
	foreach ( fields() as $name => $field ) {
		if ( Settings\is_constant( $name ) ) {
			continue;
		}
		// A checkbox that is not ticked is not sent.
		$value = 'checkbox' === $field['kind'] ? ! empty( $sent[ $name ] ) : ( $sent[ $name ] ?? null );
		if ( null === $value || ( 'token' === $field['kind'] && '' === $value ) ) {
			continue;
		}
		$clean = Fields\sanitize( $field, $value );
		if ( is_wp_error( $clean ) ) {
			add_settings_error( Settings\OPTION, $name, $field['label'] . ': ' . $clean->get_error_message() );
			continue;
		}
		$saved[ $name ] = $clean;
	}
	return $saved;
}

/**
 * Print the page.
 */
function print_page(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) ) {
		return;
	}
	echo '<div class="wrap"><h1>' . esc_html__( 'Paywall', 'paywall' ) . '</h1>';
	/**
	 * Parts of the page before the form: what is wrong, what waits.
	 */
	do_action( 'paywall_settings_page_top' );
	echo '<form method="post" action="options.php">';
	settings_fields( GROUP );
	do_settings_sections( PAGE );
	submit_button();
	echo '</form>';
	/**
	 * Parts of the page after the form: moves, and what the vault costs.
	 */
	do_action( 'paywall_settings_page_bottom' );
	echo '</div>';
}
