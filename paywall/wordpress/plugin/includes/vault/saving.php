<?php
/**
 * Saving: whatever writes a post through WordPress, only its stub reaches `wp_posts`.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Saving;

use Paywall\Policy;
use Paywall\Vault;
use Paywall\Vault\Alarms;
use Paywall\Vault\Editing;
use Paywall\Vault\Passages;
use Paywall\Vault\Switching;
use Paywall\Vault\Texts;

defined( 'ABSPATH' ) || exit;

const SYNCED_PATTERN = '~<!-- wp:block \{[^}]*"ref":~';

/**
 * Add the hooks.
 */
function register(): void {
	// After every other filter: what they add is part of the text.
	add_filter( 'wp_insert_post_data', __NAMESPACE__ . '\on_save', PHP_INT_MAX, 2 );
	// Whichever comes first after a new post has its ID.
	foreach ( array( 'clean_post_cache', 'set_object_terms', 'save_post', 'wp_insert_post' ) as $action ) {
		add_action( $action, __NAMESPACE__ . '\claim', PHP_INT_MIN );
	}
	add_action( 'added_post_meta', fn( $meta_id, $post_id ) => claim( $post_id ), PHP_INT_MIN, 2 );
	add_filter( 'wp_save_post_revision_post_has_changed', __NAMESPACE__ . '\has_changed', 10, 3 );
	add_action( 'deleted_post', __NAMESPACE__ . '\on_deleted', 10, 2 );
}

/**
 * Put the stub in place of the text.
 *
 * @param array $data    The row for `wp_posts`, slashed.
 * @param array $postarr What was asked for.
 */
function on_save( array $data, array $postarr ): array {
	$post_id     = (int) ( $postarr['ID'] ?? 0 );
	$is_revision = 'revision' === $data['post_type'];
	$owner       = $is_revision ? (int) $data['post_parent'] : $post_id;
	$sent        = wp_unslash( $data['post_content'] );
	$text        = resolve_foreign( Vault\expand( $sent, $owner ), $owner );
	$type        = $is_revision ? (string) get_post_type( $owner ) : $data['post_type'];
	if ( Policy\is_gated_type( $type ) ) {
		$is_unchanged = Vault\has_marker( $text ) && in_array( $sent, array( Vault\stored_content( $owner ), Vault\stored_content( $post_id ) ), true );
		if ( $is_unchanged ) {
			// A row is missing: what is left of the post stays as it is, in case the row comes back.
			return $data;
		}
		Vault\keep_current_rows( $owner );
		if ( ! $is_revision && $post_id > 0 && ! Vault\has_marker( $sent ) ) {
			$text = with_unseen_rest( $text, $post_id );
		}
		// A new post's policy comes after its text: until then it is closed.
		if ( ! Switching\is_off() && ( Vault\NEW_POST === $owner || Policy\is_gated( $owner ) ) ) {
			if ( $post_id > 0 && ! $is_revision && 1 === preg_match( SYNCED_PATTERN, $text ) ) {
				Alarms\note( $post_id, 'pattern' );
			}
			$text                          = close( $text, $owner, 'post_content' );
			$filtered                      = Vault\expand( wp_unslash( $data['post_content_filtered'] ), $owner );
			$data['post_content_filtered'] = wp_slash( close( $filtered, $owner, 'post_content_filtered' ) );
		}
	}
	if ( $text !== $sent ) {
		$data['post_content'] = wp_slash( $text );
	}
	return $data;
}

/**
 * The stub of a text, once its row is safely there; else the whole text, and an alarm.
 *
 * @param string $text  The whole text.
 * @param int    $owner The post, or NEW_POST.
 * @param string $field Which text it is, see Texts\KEY_OF.
 */
function close( string $text, int $owner, string $field ): string {
	list( $stub, $row ) = Texts\stub_of( $text, $owner, $field );
	if ( null === $row || ( 'post_content' !== $field && Vault\has_marker( $text ) ) ) {
		return $text;
	}
	if ( ! Vault\add_rows( array( $row ) ) ) {
		Alarms\add( $owner, 'not_stored' );
		return $text;
	}
	if ( Vault\NEW_POST === $owner ) {
		pending( array( $row[1] ) );
	}
	return $stub;
}

/**
 * Markers of other posts' rows: who may edit the source copies its text, anybody else gets nothing.
 * One of no row, which the post did not have before, is no marker.
 *
 * @param string $text  After the owner's own markers were expanded.
 * @param int    $owner The post that is saved, or NEW_POST.
 */
function resolve_foreign( string $text, int $owner ): string {
	foreach ( Vault\ids_in( $text ) as $id ) {
		$owners = Vault\owners_of( $id );
		if ( in_array( $owner, $owners, true ) ) {
			continue;
		}
		foreach ( $owners as $source ) {
			if ( current_user_can( 'edit_post', $source ) ) {
				$text = Vault\expand( $text, $source );
				continue 2;
			}
		}
		if ( array() !== $owners ) {
			$text = str_replace( Vault\marker( $id ), '', $text );
		} elseif ( ! str_contains( Vault\stored_texts( $owner ), Vault\marker( $id ) ) ) {
			// Somebody wrote it: the space makes it a comment like any other.
			$text = str_replace( Vault\marker( $id ), "<!-- paywall:rest $id-->", $text );
		}
	}
	return $text;
}

/**
 * The text with the rest behind it, where who wrote it made it from the stub and never saw the rest.
 *
 * @param string $text    As it was sent, without a marker.
 * @param int    $post_id The post.
 */
function with_unseen_rest( string $text, int $post_id ): string {
	$stored = Vault\stored_content( $post_id );
	if ( $stored === $text || ! Vault\is_sound_stub( $stored ) || Editing\was_shown_whole( $post_id ) ) {
		return $text;
	}
	$whole = Vault\expand( $stored, $post_id );
	if ( Vault\has_marker( $whole ) ) {
		return $text;
	}
	list( $head, $tail ) = preg_split( Vault\MARKER, $stored );
	$rest                = substr( $whole, strlen( $head ), strlen( $whole ) - strlen( $head ) - strlen( $tail ) );
	if ( ! Passages\comes_from( $text, $head . $tail ) || Passages\has_any( $text, $rest, $head . $tail ) ) {
		return $text;
	}
	Alarms\note( $post_id, 'kept' );
	$before = '' !== $tail && str_ends_with( $text, $tail ) ? substr( $text, 0, -strlen( $tail ) ) : $text;
	return $before . $rest . substr( $text, strlen( $before ) );
}

/**
 * The rows of new posts that have no ID yet; with ids, these are added.
 *
 * @param string[] $ids What to add.
 * @return string[]
 */
function pending( array $ids = array() ): array {
	static $pending = array();

	$pending = array_merge( $pending, $ids );
	return $pending;
}

/**
 * A new post has its ID: its rows become its own.
 *
 * @param int $post_id The post.
 */
function claim( $post_id ): void {
	static $claimed = array();

	$waiting = array_diff( pending(), $claimed );
	if ( array() === $waiting ) {
		return;
	}
	$named = array_intersect( $waiting, Vault\ids_in( Vault\stored_texts( (int) $post_id ) ) );
	if ( array() !== $named ) {
		Vault\claim_rows( (int) $post_id, $named );
		$claimed = array_merge( $claimed, $named );
	}
}

/**
 * A revision is one of the text, not of the place where it is cut.
 *
 * @param bool     $has_changed As WordPress found it, by the stubs.
 * @param \WP_Post $latest      The latest revision.
 * @param \WP_Post $post        The post.
 */
function has_changed( bool $has_changed, \WP_Post $latest, \WP_Post $post ): bool {
	if ( ! $has_changed || ! ( Vault\has_marker( $latest->post_content ) || Vault\has_marker( $post->post_content ) ) ) {
		return $has_changed;
	}
	foreach ( array_keys( _wp_post_revision_fields( $post ) ) as $field ) {
		$old = 'post_content' === $field ? Vault\whole( $latest ) : $latest->$field;
		$new = 'post_content' === $field ? Vault\whole( $post ) : $post->$field;
		if ( normalize_whitespace( $old ) !== normalize_whitespace( $new ) ) {
			return true;
		}
	}
	return false;
}

/**
 * A deleted post takes its rows with it.
 *
 * @param int      $post_id The post.
 * @param \WP_Post $post    As it was.
 */
function on_deleted( int $post_id, \WP_Post $post ): void {
	global $wpdb;

	if ( 'revision' === $post->post_type ) {
		Vault\note_given_up( (int) $post->post_parent, Vault\ids_in( $post->post_content ) );
		return;
	}
	$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->paywall_bodies WHERE post_id = %d", $post_id ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- see rows.php.
}
