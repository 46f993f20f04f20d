<?php
/**
 * Many posts in one request to the service: all of them are stored, or none.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Bulk;

use Paywall\Article;
use Paywall\Publishing;
use Paywall\Queue;
use Paywall\Service;
use Paywall\Viewer;

defined( 'ABSPATH' ) || exit;

const PATH      = '/v1/bulk/articles';
const ROWS_MAX  = 100;
const BYTES_MAX = 4194304;
// What stands around the rows; each row has a comma.
const ENVELOPE_BYTES = 11;

/**
 * Send posts of the queue together.
 *
 * @param string[] $targets Post IDs, as in the queue.
 * @param int      $ends_at When to stop; what is not sent then stays in the queue.
 * @return string[] Those to send alone: refused together, no longer public, or changed meanwhile.
 */
function send( array $targets, int $ends_at ): array {
	$locked = array_filter( $targets, fn( $target ) => Queue\lock( Publishing\KIND, $target ) );
	$alone  = array();
	$part   = array();
	$bytes  = ENVELOPE_BYTES;
	// Before the posts are read, so that a later change has another version.
	$versions = array() === $locked ? array() : Queue\versions( Publishing\KIND, $locked );
	foreach ( $versions as $target => $version ) {
		if ( time() >= $ends_at || Service\has_failed() ) {
			break;
		}
		$post = Article\current( (int) $target );
		if ( ! Publishing\is_public( $post ) ) {
			$alone[] = (string) $target;
			continue;
		}
		$article   = array( 'id' => Viewer\article_id( $post->ID ) ) + Article\describe( $post );
		$row_bytes = strlen( Service\encode( $article ) ) + 1;
		if ( array() !== $part && ( count( $part ) >= ROWS_MAX || $bytes + $row_bytes > BYTES_MAX ) ) {
			$alone = array_merge( $alone, send_part( $part, $versions ) );
			$part  = array();
			$bytes = ENVELOPE_BYTES;
		}
		$part[ $target ] = $article;
		$bytes          += $row_bytes;
	}
	if ( array() !== $part && ! Service\has_failed() ) {
		$alone = array_merge( $alone, send_part( $part, $versions ) );
	}
	foreach ( $locked as $target ) {
		Queue\unlock( Publishing\KIND, $target );
	}
	return $alone;
}

/**
 * Send one request.
 *
 * @param array<int|string, array> $articles Of Article\describe() with ids, by target.
 * @param array<int|string, int>   $versions Of the queue, by target.
 * @return string[] Those to send alone.
 */
function send_part( array $articles, array $versions ): array {
	$answer = Service\request( 'POST', PATH, array( 'rows' => array_values( $articles ) ), true );
	$alone  = array();
	foreach ( array_keys( $articles ) as $key ) {
		$target = (string) $key;
		if ( Service\has_failed() ) {
			// Next time each goes alone, should one of them be what the service cannot take.
			Queue\postpone( Publishing\KIND, $target, $versions[ $key ], $answer['error'] );
		} elseif ( '' !== $answer['error'] || ! Queue\remove( Publishing\KIND, $target, $versions[ $key ] ) ) {
			$alone[] = $target;
		}
	}
	return $alone;
}
