<?php
/**
 * Page builders keep their own text of a post in meta. Of a gated post the vault has it, as a whole.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Vault\Builders;

use Paywall\Policy;
use Paywall\Vault;
use Paywall\Vault\Alarms;
use Paywall\Vault\Reading;
use Paywall\Vault\Switching;
use Paywall\Vault\Texts;

defined( 'ABSPATH' ) || exit;

/**
 * Add the hooks.
 */
function register(): void {
	add_filter( 'get_post_metadata', __NAMESPACE__ . '\on_read', 10, 3 );
	add_filter( 'add_post_metadata', __NAMESPACE__ . '\on_add', 10, 5 );
	add_filter( 'update_post_metadata', __NAMESPACE__ . '\on_update', 10, 5 );
}

/**
 * Give the text to who may read it, and nothing to others.
 *
 * @param mixed  $value   What another filter answers.
 * @param int    $post_id The post or revision.
 * @param string $key     The key; empty for all, where the markers stay.
 */
function on_read( $value, $post_id, $key ) {
	if ( null !== $value || '' === $key || ! in_array( $key, Texts\meta_keys(), true ) ) {
		return $value;
	}
	$stored = stored( (int) $post_id, $key );
	if ( null === $stored || ! Vault\has_marker( $stored ) ) {
		return $value;
	}
	$owner = owner_of( (int) $post_id );
	if ( ! Reading\is_open( $owner ) && ! current_user_can( 'edit_post', $owner ) ) {
		return array( '' );
	}
	// As WordPress itself stored it, and would read it.
	return array( maybe_unserialize( Vault\expand( $stored, $owner ) ) );
}

/**
 * A text is added: its marker is, in its place.
 *
 * @param mixed  $done      What another filter answers.
 * @param int    $post_id   The post or revision.
 * @param string $key       The key.
 * @param mixed  $value     The text.
 * @param bool   $is_unique Whether the key may be there once only.
 */
function on_add( $done, $post_id, $key, $value, $is_unique ) {
	$marker = null === $done ? kept( (int) $post_id, $key, $value ) : null;
	return null === $marker ? $done : add_metadata( 'post', (int) $post_id, $key, $marker, $is_unique );
}

/**
 * A text is replaced: its marker is put in its place.
 *
 * @param mixed  $done    What another filter answers.
 * @param int    $post_id The post or revision.
 * @param string $key     The key.
 * @param mixed  $value   The text.
 * @param mixed  $before  Replace only this one.
 */
function on_update( $done, $post_id, $key, $value, $before ) {
	$marker = null === $done ? kept( (int) $post_id, $key, $value ) : null;
	if ( null === $marker ) {
		return $done;
	}
	if ( '' !== $before && null !== $before && Vault\has_marker( (string) stored( (int) $post_id, $key ) ) ) {
		$whole  = Vault\expand( (string) stored( (int) $post_id, $key ), owner_of( (int) $post_id ) );
		$before = maybe_serialize( $before ) === $whole ? stored( (int) $post_id, $key ) : $before;
	}
	return update_metadata( 'post', (int) $post_id, $key, $marker, $before );
}

/**
 * The marker of a text, once its row is safely there; null if the text is to be stored as it is.
 *
 * @param int    $post_id The post or revision.
 * @param string $key     The key.
 * @param mixed  $value   The text.
 */
function kept( int $post_id, $key, $value ): ?string {
	if ( ! is_string( $key ) || ! in_array( $key, Texts\meta_keys(), true ) || in_array( $value, array( '', null ), true ) ) {
		return null;
	}
	$owner = owner_of( $post_id );
	$text  = (string) maybe_serialize( $value );
	if ( 0 === $owner || Vault\has_marker( $text ) || ! Policy\is_gated( $owner ) || Switching\is_off() ) {
		return null;
	}
	list( $marker, $row ) = Texts\stub_of( $text, $owner, 'meta_value' );
	if ( null === $row || ! Vault\add_rows( array( $row ) ) ) {
		Alarms\add( $owner, 'not_stored' );
		return null;
	}
	return $marker;
}

/**
 * What the meta table holds.
 *
 * @param int    $post_id The post or revision.
 * @param string $key     The key.
 */
function stored( int $post_id, string $key ): ?string {
	$cached = wp_cache_get( $post_id, 'post_meta' );
	if ( ! is_array( $cached ) ) {
		$cached = update_meta_cache( 'post', array( $post_id ) )[ $post_id ] ?? array();
	}
	$value = $cached[ $key ][0] ?? null;
	return is_string( $value ) ? $value : null;
}

/**
 * The post that a post or revision belongs to, 0 for none.
 *
 * @param int $post_id A post or revision.
 */
function owner_of( int $post_id ): int {
	$post = get_post( $post_id );
	return $post instanceof \WP_Post ? Vault\owner_of( $post ) : 0;
}
