<?php
/**
 * What operators and editors have to know about the vault.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Alarms;

defined( 'ABSPATH' ) || exit;

const OPTION     = 'paywall_vault_alarms';
const ALARMS_MAX = 50;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'admin_notices', __NAMESPACE__ . '\print_note' );
}

/**
 * Remember a failure, once for each post and reason.
 *
 * @param int    $post_id The post; 0 for one that is new.
 * @param string $reason  `not_stored` or `row_missing`.
 */
function add( int $post_id, string $reason ): void {
	$alarms = all();

	$alarms[ "$post_id:$reason" ] = array(
		'post_id' => $post_id,
		'reason'  => $reason,
		'time'    => time(),
	);
	update_option( OPTION, array_slice( $alarms, -ALARMS_MAX, null, true ), false );
}

/**
 * The failures of one reason that are over.
 *
 * @param string $reason The reason.
 */
function clear( string $reason ): void {
	$alarms = all();
	$left   = array_filter( $alarms, fn( $alarm ) => $alarm['reason'] !== $reason );
	if ( $left !== $alarms ) {
		update_option( OPTION, $left, false );
	}
}

/**
 * All that are remembered, oldest first.
 *
 * @return array[] Each with post_id, reason and time.
 */
function all(): array {
	$alarms = get_option( OPTION, array() );
	return is_array( $alarms ) ? $alarms : array();
}

/**
 * One in words.
 *
 * @param array $alarm As all() gives it.
 */
function text_of( array $alarm ): string {
	if ( 'row_missing' === $alarm['reason'] ) {
		/* translators: %d: the post's ID. */
		return sprintf( __( 'Post %d has lost its paid part. Restore the table paywall_bodies from a backup, or write the text again.', 'paywall' ), $alarm['post_id'] );
	}
	/* translators: %d: the post's ID. */
	return sprintf( __( 'The paid part of post %d could not be stored apart. It is in the posts table, and the paywall hides it as well as it can. Look at the database\'s log.', 'paywall' ), $alarm['post_id'] );
}

/**
 * Remember something for who saves a post now.
 *
 * @param int    $post_id The post.
 * @param string $kind    `kept`: the text did not have the paid part, and it was kept. `pattern`: a
 *                        synced pattern is shown, whose text is a post of its own and not gated.
 */
function note( int $post_id, string $kind ): void {
	set_transient( 'paywall_note_' . get_current_user_id(), array( $post_id, $kind ), DAY_IN_SECONDS );
}

/**
 * Show it once.
 */
function print_note(): void {
	$name = 'paywall_note_' . get_current_user_id();
	$note = get_transient( $name );
	if ( ! is_array( $note ) || ! current_user_can( 'edit_post', (int) $note[0] ) ) {
		return;
	}
	delete_transient( $name );
	/* translators: %s: the post's title. */
	$text = __( 'The paid part of “%s” was kept: what was saved did not have it. To remove it, open the post here and delete it.', 'paywall' );
	if ( 'pattern' === $note[1] ) {
		/* translators: %s: the post's title. */
		$text = __( '“%s” uses a reusable block. The text of a reusable block is stored apart and is not behind the paywall: convert it to regular blocks if readers should pay for it.', 'paywall' );
	}
	printf( '<div class="notice notice-warning is-dismissible"><p>%s</p></div>', esc_html( sprintf( $text, get_the_title( (int) $note[0] ) ) ) );
}
