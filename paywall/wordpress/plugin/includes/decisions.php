<?php
/**
 * Decisions: may who looks at this page have the body of this post?
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Decisions;

use Paywall\Caching;
use Paywall\Policy;
use Paywall\Publishing;
use Paywall\Service;
use Paywall\Settings;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

const BATCH_ARTICLES_MAX = 100;
// A grant for these reasons stands whatever the policy is; the others only under their own policy.
const ALWAYS_GRANTED = array( 'subscribed', 'unlocked' );

/**
 * The decision for the page of one post. A view is counted if this request is that page.
 *
 * @param int $post_id A post.
 * @return array{granted:bool, reason:string} And what else the service answered.
 */
function of_single( int $post_id ): array {
	static $made = array();

	// Asked before the page is known, it is asked again when the view can be counted.
	$is_counted = Viewer\is_counted_view( $post_id );
	$key        = implode( ':', array( get_current_blog_id(), get_current_user_id(), $post_id, (int) $is_counted ) );
	if ( ! isset( $made[ $key ] ) ) {
		$post         = get_post( $post_id );
		$local        = without_service( $post );
		$made[ $key ] = finish( $local ?? ask_single( $post, $is_counted ), $post_id );
	}
	$decision = $made[ $key ];
	if ( Policy\is_gated( $post_id ) && ! is_for_everybody( $decision, $post_id ) ) {
		Caching\refuse();
	}
	return $decision;
}

/**
 * The decisions for a list: nothing is counted, and nothing opens for visitors or by the meter.
 *
 * @param int[] $post_ids Posts.
 * @return array<int, array{granted:bool, reason:string}> By post ID.
 */
function of_list( array $post_ids ): array {
	static $made = array();

	$prefix    = get_current_blog_id() . ':' . get_current_user_id() . ':';
	$ask       = array();
	$decisions = array();
	foreach ( array_unique( array_map( 'intval', $post_ids ) ) as $post_id ) {
		$decisions[ $post_id ] = $made[ $prefix . $post_id ] ?? without_service( get_post( $post_id ) );
		if ( null === $decisions[ $post_id ] ) {
			$ask[] = $post_id;
		}
	}
	// `+` keeps the keys, which are post IDs.
	$decisions = ask_list( $ask ) + $decisions;
	foreach ( $decisions as $post_id => $decision ) {
		if ( ! isset( $made[ $prefix . $post_id ] ) ) {
			$made[ $prefix . $post_id ] = finish( $decision, $post_id );
		}
		$decisions[ $post_id ] = $made[ $prefix . $post_id ];
		if ( $decisions[ $post_id ]['granted'] && Policy\is_gated( $post_id ) ) {
			Caching\refuse();
		}
	}
	return $decisions;
}

/**
 * A decision that WordPress makes alone; null where the service has to be asked.
 *
 * @param \WP_Post|null $post A post.
 * @return array{granted:bool, reason:string}|null
 */
function without_service( ?\WP_Post $post ): ?array {
	if ( null === $post ) {
		return denied( 'article_unknown' );
	}
	if ( current_user_can( 'edit_post', $post->ID ) ) {
		return granted( 'editor' );
	}
	if ( is_closed( $post ) ) {
		return denied( 'not_published' );
	}
	if ( ! Policy\is_gated( $post->ID ) ) {
		return granted( 'free' );
	}
	// phpcs:ignore WordPress.WP.Capabilities.Unknown -- the plug-in's own, which administrators give.
	return current_user_can( 'paywall_read_all' ) ? granted( 'read_all' ) : null;
}

/**
 * Whether a post is not public, whatever the service answers.
 *
 * @param \WP_Post $post A post.
 */
function is_closed( \WP_Post $post ): bool {
	return ! is_post_publicly_viewable( $post ) || post_password_required( $post );
}

/**
 * Ask the service about one post.
 *
 * @param \WP_Post $post    A gated post.
 * @param bool     $is_view Whether this request is a view of it.
 * @return array{granted:bool, reason:string}
 */
function ask_single( \WP_Post $post, bool $is_view ): array {
	$is_counted = $is_view && 'metered' === Policy\of( $post->ID )['policy'];
	$question   = array( 'article_id' => Viewer\article_id( $post->ID ) );
	$reader_id  = Viewer\reader_id( get_current_user_id() );
	if ( null !== $reader_id ) {
		$question['reader_id'] = $reader_id;
	} elseif ( $is_counted ) {
		$question['visitor_id'] = Viewer\visitor_id();
	}
	if ( $is_counted ) {
		$question['count_view'] = true;
	}
	$answer = Service\request( 'POST', '/v1/access/check', $question );
	if ( 200 !== $answer['status'] ) {
		return without_answer( $answer );
	}
	return checked( $answer['body'], $post->ID, $is_counted );
}

/**
 * Ask the service about posts of a list, in one question for each hundred.
 *
 * @param int[] $post_ids Gated posts.
 * @return array<int, array{granted:bool, reason:string}> By post ID.
 */
function ask_list( array $post_ids ): array {
	$reader_id = Viewer\reader_id( get_current_user_id() );
	$decisions = array_fill_keys( $post_ids, denied( null === $reader_id ? 'login_required' : 'unavailable' ) );
	if ( null === $reader_id ) {
		return $decisions;
	}
	foreach ( array_chunk( $post_ids, BATCH_ARTICLES_MAX ) as $chunk ) {
		$question = array(
			'article_ids' => array_map( 'Paywall\Viewer\article_id', $chunk ),
			'reader_id'   => $reader_id,
		);
		$answer   = Service\request( 'POST', '/v1/access/check-batch', $question );
		$received = 200 === $answer['status'] ? ( $answer['body']['decisions'] ?? null ) : null;
		if ( ! is_array( $received ) || count( $received ) !== count( $chunk ) ) {
			continue;
		}
		foreach ( array_values( $received ) as $place => $decision ) {
			$decisions[ $chunk[ $place ] ] = checked( is_array( $decision ) ? $decision : null, $chunk[ $place ], false );
		}
	}
	return $decisions;
}

/**
 * The service's decision, closed where WordPress knows better.
 *
 * The service may have an older policy, because it did not get the last change yet: then what only
 * the old policy opens stays closed. The meter opens nothing where no view was counted.
 *
 * @param array|null $decision   As the service answered.
 * @param int        $post_id    The post.
 * @param bool       $is_counted Whether a view was to be counted.
 * @return array{granted:bool, reason:string}
 */
function checked( ?array $decision, int $post_id, bool $is_counted ): array {
	$reason = $decision['reason'] ?? null;
	if ( ! is_string( $reason ) || ! is_bool( $decision['granted'] ?? null ) ) {
		return denied( 'unavailable' );
	}
	$policy      = Policy\of( $post_id )['policy'];
	$is_outdated = 'article_unknown' === $reason || ( 'free' === $reason && 'free' !== $policy );
	// What waits already keeps its turn: a view must not send what the service refuses again.
	if ( $is_outdated && null === Publishing\waiting_of( $post_id ) ) {
		Publishing\enqueue_post( $post_id );
	}
	$is_granted = true === $decision['granted'] && (
		in_array( $reason, ALWAYS_GRANTED, true )
		|| ( 'registered' === $reason && 'registered' === $policy )
		|| ( 'metered' === $reason && 'metered' === $policy && $is_counted )
	);
	return array_merge( $decision, array( 'granted' => $is_granted ) );
}

/**
 * The decision where the service gave none. One that refuses the site's token opens nothing:
 * that is a mistake in the settings and not a failure that readers should profit from.
 *
 * @param array{status:int} $answer Of the service.
 * @return array{granted:bool, reason:string}
 */
function without_answer( array $answer ): array {
	$is_open = Service\is_down( $answer ) && Settings\is_connected() && 'open' === Settings\get( 'when_down' );
	return $is_open ? granted( 'unavailable' ) : denied( 'unavailable' );
}

/**
 * The decision after the site's own filter, which cannot open what is not published.
 *
 * @param array{granted:bool, reason:string} $decision As it was made.
 * @param int                                $post_id  The post.
 * @return array{granted:bool, reason:string}
 */
function finish( array $decision, int $post_id ): array {
	/**
	 * The decision on a post, for the current user.
	 *
	 * @param array $decision `granted` (bool), `reason` (string), and what else the service answered.
	 * @param int   $post_id  The post's ID.
	 */
	$filtered = apply_filters( 'paywall_decision', $decision, $post_id );
	if ( ! is_array( $filtered ) || ! isset( $filtered['granted'] ) ) {
		return $decision;
	}
	$filtered['reason']  = (string) ( $filtered['reason'] ?? $decision['reason'] );
	$filtered['granted'] = true === $filtered['granted'];
	$post                = get_post( $post_id );
	if ( null === $post || ( is_closed( $post ) && ! current_user_can( 'edit_post', $post_id ) ) ) {
		$filtered['granted'] = false;
	}
	return $filtered;
}

/**
 * Whether everybody who is not signed in gets the same answer, so that a cache may keep the page.
 *
 * @param array{granted:bool, reason:string} $decision The decision.
 * @param int                                $post_id  A gated post.
 */
function is_for_everybody( array $decision, int $post_id ): bool {
	return ! $decision['granted']
		&& ! is_user_logged_in()
		&& ! in_array( $decision['reason'], array( 'unavailable', 'article_unknown' ), true )
		&& 'metered' !== Policy\of( $post_id )['policy'];
}

/**
 * A decision that opens.
 *
 * @param string $reason Why.
 * @return array{granted:bool, reason:string, actions:array}
 */
function granted( string $reason ): array {
	return array(
		'granted' => true,
		'reason'  => $reason,
		'actions' => array(),
	);
}

/**
 * A decision that does not open.
 *
 * @param string $reason Why.
 * @return array{granted:bool, reason:string, actions:array}
 */
function denied( string $reason ): array {
	return array_merge( granted( $reason ), array( 'granted' => false ) );
}
