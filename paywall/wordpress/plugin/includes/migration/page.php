<?php
/**
 * The page for moving over from Penci or JNews: Tools → Paywall: move over.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Migration\Page;

use Paywall\Admin\Capabilities;
use Paywall\Migration\Folder;
use Paywall\Migration\Reading;
use Paywall\Migration\Sending;

defined( 'ABSPATH' ) || exit;

const PAGE = 'paywall-move-over';

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'admin_menu', __NAMESPACE__ . '\add_page' );
	add_action( 'admin_enqueue_scripts', __NAMESPACE__ . '\enqueue' );
}

/**
 * Add the page to the menu.
 */
function add_page(): void {
	$title = __( 'Paywall: move over', 'paywall' );
	add_management_page( $title, $title, Capabilities\MANAGE, PAGE, __NAMESPACE__ . '\print_page' );
}

/**
 * The page's script.
 *
 * @param string $hook The screen.
 */
function enqueue( string $hook ): void {
	if ( 'tools_page_' . PAGE !== $hook ) {
		return;
	}
	wp_enqueue_script( 'paywall-migration', plugins_url( 'assets/migration.js', \Paywall\FILE ), array(), \Paywall\VERSION, true );
	wp_localize_script(
		'paywall-migration',
		'paywallMigration',
		array(
			'nonce'   => wp_create_nonce( Sending\ACTION ),
			'columns' => columns(),
			'failed'  => __( 'This site did not answer. Press the button again: it goes on where it was.', 'paywall' ),
			'toDo'    => __( 'TO DO', 'paywall' ),
			'done'    => __( 'Done.', 'paywall' ),
		)
	);
}

/**
 * The heads of the table's columns.
 *
 * @return string[]
 */
function columns(): array {
	return array( '', __( 'User or post', 'paywall' ), __( 'Before', 'paywall' ), __( 'After', 'paywall' ), __( 'What is unusual', 'paywall' ) );
}

/**
 * Print the page.
 */
function print_page(): void {
	$found = Reading\detect();
	echo '<div class="wrap"><h1>' . esc_html__( 'Move over from Penci or JNews', 'paywall' ) . '</h1>';
	/* translators: 1 and 2: numbers of users, 3: a number of posts. */
	printf( '<p>%s</p>', esc_html( sprintf( __( 'Users with data of Penci Paywall: %1$d, of JNews Paywall: %2$d. Posts with settings of these plug-ins: %3$d. The old data is only read.', 'paywall' ), $found['penci'], $found['jnews'], $found['posts'] ) ) );
	if ( 0 === $found['users'] + $found['posts'] ) {
		echo '<p>' . esc_html__( 'There is nothing to move.', 'paywall' ) . '</p></div>';
		return;
	}
	print_steps();
	print_folder();
	print_next();
	echo '</div>';
}

/**
 * The two buttons, the progress and the table.
 */
function print_steps(): void {
	$state = Sending\state();
	echo '<h2>' . esc_html__( 'Move', 'paywall' ) . '</h2><p>' . esc_html__( 'The dry run shows each reader before and after, and changes nothing. You can close this page: the button goes on where it was. Each run can be repeated, and what was moved is never given again.', 'paywall' ) . '</p><p>';
	printf(
		'<button type="button" class="button button-primary" data-paywall-run="%s">%s</button> <button type="button" class="button" data-paywall-run="%s"%s>%s</button></p>',
		esc_attr( Sending\DRY_RUN ),
		esc_html__( '1. Dry run', 'paywall' ),
		esc_attr( Sending\IMPORT ),
		disabled( $state['is_tried'], false, false ),
		esc_html__( '2. Import', 'paywall' )
	);
	printf(
		'<p id="paywall-migration-state"><progress max="%d" value="%d"></progress> <output>%d / %d</output></p><p id="paywall-migration-error" role="alert"></p>',
		(int) max( 1, $state['total'] ),
		(int) $state['done'],
		(int) $state['done'],
		(int) $state['total']
	);
	echo '<p><button type="button" class="button" id="paywall-migration-csv" disabled>' . esc_html__( 'Download this table as CSV', 'paywall' ) . '</button></p>';
	echo '<table class="widefat striped"><thead><tr>';
	foreach ( columns() as $column ) {
		echo '<th>' . esc_html( $column ) . '</th>';
	}
	echo '</tr></thead><tbody id="paywall-migration-rows"></tbody></table>';
}

/**
 * The button for the folder.
 */
function print_folder(): void {
	printf(
		'<h2>%s</h2><p>%s</p><form method="post" action="%s"><input type="hidden" name="action" value="%s">%s<p><button class="button">%s</button></p></form>',
		esc_html__( 'By the command line', 'paywall' ),
		// phpcs:ignore WordPress.WP.CapitalPDangit -- a command.
		esc_html__( 'The folder has the same data for the command “paywall import wordpress”. It shows what your readers have read: delete it when you are done.', 'paywall' ),
		esc_url( admin_url( 'admin-post.php' ) ),
		esc_attr( Folder\ACTION ),
		wp_nonce_field( Folder\ACTION, '_wpnonce', true, false ), // phpcs:ignore WordPress.Security.EscapeOutput -- made of hidden fields by WordPress.
		esc_html__( 'Download the folder', 'paywall' )
	);
}

/**
 * What to do afterwards.
 */
function print_next(): void {
	echo '<h2>' . esc_html__( 'Afterwards', 'paywall' ) . '</h2><ul class="ul-disc">';
	foreach ( array(
		__( 'Work through the lines that are marked TO DO.', 'paywall' ),
		__( 'Deactivate the old plug-in. Do not delete it or its data yet.', 'paywall' ),
		__( 'Put the site token without the scope “admin” back.', 'paywall' ),
		// phpcs:ignore WordPress.WP.CapitalPDangit -- an option of a command.
		__( 'The way back: activate the old plug-in and deactivate this one. What readers got since then is exported by “paywall export --wordpress”, as the documentation describes.', 'paywall' ),
	) as $step ) {
		echo '<li>' . esc_html( $step ) . '</li>';
	}
	echo '</ul>';
}

/**
 * A line of the table.
 *
 * @param string $who    A user or a post.
 * @param string $before Before.
 * @param string $after  After.
 * @param array  $odd    Oddities of the service.
 */
function line( string $who, string $before, string $after, array $odd ): array {
	$texts = array_map(
		fn( $one ) => trim( ( $one['is_to_do'] ? __( 'TO DO', 'paywall' ) . ': ' : '' ) . ( '' === $one['field'] ? '' : $one['field'] . ': ' ) . $one['text'] . ( '' === $one['detail'] ? '' : " ({$one['detail']})" ) ),
		$odd
	);
	return array(
		'is_to_do' => in_array( true, array_column( $odd, 'is_to_do' ), true ),
		'cells'    => array( $who, $before, $after, implode( "\n", $texts ) ),
	);
}

/**
 * The line of a reader.
 *
 * @param array $reader Of the service.
 */
function reader_row( array $reader ): array {
	$before = array( counts( $reader['before'] ) );
	foreach ( $reader['before']['subscriptions'] as $one ) {
		/* translators: 1: a date, as it is stored, 2: payment processors. */
		$before[] = sprintf( __( 'subscribed until %1$s (%2$s)', 'paywall' ), '' === $one['end'] ? '–' : $one['end'], implode( ', ', $one['processors'] ) );
	}
	$after = array( counts( $reader['after'] ) );
	if ( null !== $reader['after']['access_until'] ) {
		/* translators: %s: a date. */
		$after[] = sprintf( __( 'subscribed until %s', 'paywall' ), str_replace( array( 'T', 'Z' ), array( ' ', ' UTC' ), $reader['after']['access_until'] ) );
	}
	/* translators: %d: the user's ID. */
	return line( sprintf( __( 'User %d', 'paywall' ), $reader['user_id'] ), implode( ', ', $before ), implode( ', ', $after ), $reader['oddities'] );
}

/**
 * Credits and unlocked posts.
 *
 * @param array $has What a reader has.
 */
function counts( array $has ): string {
	/* translators: 1: a number of credits, 2: a number of posts. */
	return sprintf( __( 'credits: %1$d, unlocked posts: %2$d', 'paywall' ), $has['credits'], $has['unlocks'] );
}

/**
 * The line of a post.
 *
 * @param array $post Of the service.
 */
function post_row( array $post ): array {
	/* translators: %d: the post's ID. */
	return line( sprintf( __( 'Post %d', 'paywall' ), $post['post_id'] ), '', $post['policy'], $post['oddities'] );
}

/**
 * The line of a user or post whose data no request can hold.
 *
 * @param int $id Its ID.
 */
function skipped_row( int $id ): array {
	return line(
		"$id",
		'',
		'',
		array(
			array(
				'is_to_do' => true,
				'field'    => '',
				'text'     => __( 'the service does not take this data in one request: import it by the command line', 'paywall' ),
				'detail'   => '',
			),
		)
	);
}
