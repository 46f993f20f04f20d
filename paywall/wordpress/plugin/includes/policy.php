<?php
/**
 * What a post costs: its own policy, else the strictest of its categories and tags, else the default.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Policy;

use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

// From open to closed.
const POLICIES   = array( 'free', 'registered', 'metered', 'premium', 'subscribers' );
const TAXONOMIES = array( 'category', 'post_tag' );
const COST_MAX   = 1000000;

/**
 * The policy of a post and its price in credits.
 *
 * @param int $post_id A post; of a revision, its post's counts.
 * @return array{policy:string, cost:int}
 */
function of( int $post_id ): array {
	$post = get_post( $post_id );
	if ( null !== $post && 'revision' === $post->post_type ) {
		$post = get_post( $post->post_parent );
	}
	if ( null === $post || ! is_gated_type( $post->post_type ) ) {
		return terms( 'free', 1 );
	}
	$terms = from_meta( 'post', $post->ID, '_paywall_policy', '_paywall_cost' ) ?? of_terms( $post->ID ) ?? of_default();
	$own   = credits( get_post_meta( $post->ID, '_paywall_cost', true ) );
	return null === $own ? $terms : terms( $terms['policy'], $own );
}

/**
 * Whether a post has a part that not everybody may read.
 *
 * @param int $post_id A post.
 */
function is_gated( int $post_id ): bool {
	return 'free' !== of( $post_id )['policy'];
}

/**
 * Whether posts of a type can have such a part.
 *
 * @param string $type A post type.
 */
function is_gated_type( string $type ): bool {
	return in_array( $type, gated_types(), true );
}

/**
 * The post types whose posts can be gated.
 *
 * @return string[]
 */
function gated_types(): array {
	/**
	 * The post types that the paywall can gate.
	 *
	 * @param string[] $types Their names.
	 */
	$types = apply_filters( 'paywall_post_types', array( 'post' ) );
	return array_values( array_diff( array_filter( (array) $types, 'is_string' ), array( 'revision', 'attachment', 'wp_block' ) ) );
}

/**
 * The strictest policy among a post's categories and tags; of those with it, the highest cost.
 *
 * @param int $post_id A post.
 * @return array{policy:string, cost:int}|null Null where no term has a policy.
 */
function of_terms( int $post_id ): ?array {
	$strictest = null;
	foreach ( TAXONOMIES as $taxonomy ) {
		$found = get_the_terms( $post_id, $taxonomy );
		foreach ( is_array( $found ) ? $found : array() as $term ) {
			$terms = from_meta( 'term', $term->term_id, 'paywall_policy', 'paywall_cost' );
			if ( null !== $terms && ( null === $strictest || rank( $terms ) > rank( $strictest ) ) ) {
				$strictest = $terms;
			}
		}
	}
	return $strictest;
}

/**
 * What the settings say for posts without a policy of their own or of a term.
 *
 * @return array{policy:string, cost:int}
 */
function of_default(): array {
	$policy = Settings\get( 'default_policy' );
	return terms( in_array( $policy, POLICIES, true ) ? $policy : 'free', Settings\get( 'default_cost' ) );
}

/**
 * What the meta of a post or a term says.
 *
 * @param string $type       `post` or `term`.
 * @param int    $id         Its ID.
 * @param string $policy_key The key of the policy.
 * @param string $cost_key   The key of the cost.
 * @return array{policy:string, cost:int}|null Null without a policy.
 */
function from_meta( string $type, int $id, string $policy_key, string $cost_key ): ?array {
	$policy = get_metadata( $type, $id, $policy_key, true );
	if ( ! in_array( $policy, POLICIES, true ) ) {
		return null;
	}
	return terms( $policy, get_metadata( $type, $id, $cost_key, true ) );
}

/**
 * Both together; without a cost of their own, that of the settings.
 *
 * @param string $policy One of POLICIES.
 * @param mixed  $cost   As it was saved.
 * @return array{policy:string, cost:int}
 */
function terms( string $policy, $cost ): array {
	return array(
		'policy' => $policy,
		'cost'   => credits( $cost ) ?? credits( Settings\get( 'default_cost' ) ) ?? 1,
	);
}

/**
 * A cost within its bounds; fractions are rounded up. Null where none was saved.
 *
 * @param mixed $cost As it was saved.
 */
function credits( $cost ): ?int {
	return is_numeric( $cost ) && $cost > 0 ? (int) min( COST_MAX, ceil( (float) $cost ) ) : null;
}

/**
 * For comparison: the policy first, then the cost.
 *
 * @param array{policy:string, cost:int} $terms A policy and its cost.
 * @return int[]
 */
function rank( array $terms ): array {
	return array( (int) array_search( $terms['policy'], POLICIES, true ), $terms['cost'] );
}
