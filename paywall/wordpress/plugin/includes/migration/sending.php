<?php
/**
 * Moves readers over part by part: the page's script asks for one part after the other.
 *
 * The position is kept in an option, so that a closed tab goes on where it was. Nothing else is
 * kept: a part that is repeated changes nothing at the service.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Migration\Sending;

use Paywall\Admin\Capabilities;
use Paywall\Migration\Page;
use Paywall\Migration\Reading;
use Paywall\Policy;
use Paywall\Service;
use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const ACTION    = 'paywall_migrate';
const OPTION    = 'paywall_migration';
const PART_MAX  = 100;
const DRY_RUN   = 'dry_run';
const IMPORT    = 'import';
const TOO_LARGE = 413;
// The service's problem invalid_fields.
const WRONG_FIELDS = 422;

/**
 * Add the hooks.
 */
function register(): void {
	add_action( 'wp_ajax_' . ACTION, __NAMESPACE__ . '\answer' );
}

/**
 * How far the run is: `kind` of run (empty: none), `phase` (posts, users or done), the ID `after`
 * which it goes on, how many are `done` of `total`, the size of the next `part`, and whether a dry
 * run finished (`is_tried`).
 */
function state(): array {
	$saved = get_option( OPTION );
	return ( is_array( $saved ) ? $saved : array() ) + array(
		'kind'        => '',
		'plugin'      => 'penci',
		'phase'       => 'done',
		'after'       => 0,
		'done'        => 0,
		'total'       => 0,
		'part'        => PART_MAX,
		'exported_at' => '',
		'is_tried'    => false,
	);
}

/**
 * The state at the begin of a run.
 *
 * @param string $kind DRY_RUN or IMPORT.
 */
function begin( string $kind ): array {
	$found = Reading\detect();
	return array(
		'kind'        => $kind,
		'plugin'      => $found['plugin'],
		'phase'       => 'posts',
		'after'       => 0,
		'done'        => 0,
		'total'       => $found['users'] + $found['all_posts'],
		'part'        => PART_MAX,
		'exported_at' => gmdate( 'Y-m-d\TH:i:s\Z' ),
		'is_tried'    => state()['is_tried'],
	);
}

/**
 * Do one part, and answer what became of it.
 */
function answer(): void {
	if ( ! current_user_can( Capabilities\MANAGE ) || false === check_ajax_referer( ACTION, false, false ) ) {
		wp_send_json_error( null, 403 );
	}
	$kind  = sanitize_key( wp_unslash( $_POST['kind'] ?? '' ) );
	$state = state();
	if ( ! in_array( $kind, array( DRY_RUN, IMPORT ), true ) || ( IMPORT === $kind && ! $state['is_tried'] ) ) {
		wp_send_json_error( null, 400 );
	}
	$refusal = refusal();
	if ( '' !== $refusal ) {
		wp_send_json_success( result( $state, array( 'error' => $refusal ) ) );
	}
	if ( $state['kind'] !== $kind || 'done' === $state['phase'] ) {
		$state = begin( $kind );
	}
	wp_send_json_success( run_part( $state ) );
}

/**
 * Why nothing can be moved, if so.
 */
function refusal(): string {
	if ( ! Settings\is_connected() ) {
		return __( 'The address of the paywall service or its token is not set.', 'paywall' );
	}
	if ( has_filter( 'paywall_reader_id' ) || has_filter( 'paywall_article_id' ) ) {
		return __( 'This site has its own ids of readers or articles (a filter). Download the folder and import it by the command line.', 'paywall' );
	}
	return '';
}

/**
 * What the script gets.
 *
 * @param array $state As in state().
 * @param array $more  Of `readers`, `posts`, `error` and `is_retried`.
 */
function result( array $state, array $more ): array {
	return $more + array(
		'state'      => $state,
		'readers'    => array(),
		'posts'      => array(),
		'error'      => '',
		'is_retried' => false,
	);
}

/**
 * Send the next part, and remember the position after it.
 *
 * @param array $state As in state().
 */
function run_part( array $state ): array {
	$is_users = 'users' === $state['phase'];
	$items    = $is_users ? Reading\users_after( $state['after'], $state['part'] ) : Reading\posts_after( $state['after'], $state['part'] );
	if ( array() === $items ) {
		return save( next_phase( $state ), array() );
	}
	$answer = Service\request( 'POST', '/v1/imports/wordpress', body( $state, $items ), true );
	$more   = array();
	if ( 200 === $answer['status'] && is_array( $answer['body'] ) ) {
		$more = $is_users ? array( 'readers' => array_map( 'Paywall\Migration\Page\reader_row', $answer['body']['readers'] ) ) : array( 'posts' => posts( $state, $answer['body']['posts'] ) );
	} elseif ( is_too_much( $answer ) && count( $items ) > 1 ) {
		$state['part'] = max( 1, (int) floor( count( $items ) / 2 ) );
		return save( $state, array( 'is_retried' => true ) );
	} elseif ( is_refused_for_good( $answer ) ) {
		$more = array( $is_users ? 'readers' : 'posts' => array( Page\skipped_row( $items[0]['id'] ) ) );
	} else {
		return result( $state, array( 'error' => explain( $answer ) ) );
	}
	$state['after'] = end( $items )['id'];
	$state['done'] += count( $items );
	$state['part']  = min( PART_MAX, $state['part'] * 2 );
	return save( $state, $more );
}

/**
 * What the service is sent.
 *
 * @param array $state As in state().
 * @param array $items Users or posts.
 */
function body( array $state, array $items ): array {
	$body = array(
		'settings' => Reading\settings( $state['plugin'], $state['exported_at'] ),
		'dry_run'  => DRY_RUN === $state['kind'],
	);
	if ( 'users' !== $state['phase'] ) {
		return $body + array(
			'posts' => $items,
			'terms' => Reading\terms(),
		);
	}
	return $body + array(
		'users'       => $items,
		'known_posts' => Reading\known_posts( $items ),
		'getpaid'     => Reading\profiles( $items ),
	);
}

/**
 * The state after all posts, or after all users.
 *
 * @param array $state As in state().
 */
function next_phase( array $state ): array {
	$is_over        = 'users' === $state['phase'];
	$state['phase'] = $is_over ? 'done' : 'users';
	$state['after'] = 0;
	if ( $is_over ) {
		$state['done']     = $state['total'];
		$state['is_tried'] = $state['is_tried'] || DRY_RUN === $state['kind'];
	}
	return $state;
}

/**
 * Keep the state, and answer it.
 *
 * @param array $state As in state().
 * @param array $more  As in result().
 */
function save( array $state, array $more ): array {
	update_option( OPTION, $state, false );
	return result( $state, $more );
}

/**
 * Whether a smaller part may succeed.
 *
 * @param array{status:int} $answer Of the service.
 */
function is_too_much( array $answer ): bool {
	return in_array( $answer['status'], array( 0, TOO_LARGE, WRONG_FIELDS, 503 ), true );
}

/**
 * Whether the service will never take this one user or post. It is listed, and the others go on.
 *
 * @param array{status:int, body:array|null} $answer Of the service.
 */
function is_refused_for_good( array $answer ): bool {
	$field = $answer['body']['errors'][0]['field'] ?? '';
	return TOO_LARGE === $answer['status'] || ( WRONG_FIELDS === $answer['status'] && 1 === preg_match( '/^(users|posts|known_posts|getpaid)/', (string) $field ) );
}

/**
 * What to do about a refusal.
 *
 * @param array{status:int, error:string} $answer Of the service.
 */
function explain( array $answer ): string {
	if ( in_array( $answer['status'], array( 401, 403 ), true ) ) {
		return __( 'The site token may not move readers. Make one with the scope “admin” in addition for this evening, and put the old one back afterwards.', 'paywall' ) . ' ' . $answer['error'];
	}
	return $answer['error'];
}

/**
 * Give the posts the policies that the service found for them, and answer those to be shown.
 *
 * @param array $state As in state().
 * @param array $posts Of the service.
 */
function posts( array $state, array $posts ): array {
	$rows = array();
	foreach ( $posts as $post ) {
		$is_new = 'free' !== $post['policy'] || 'free' !== Policy\of( $post['post_id'] )['policy'];
		if ( IMPORT === $state['kind'] ) {
			keep_policy( $post );
		}
		if ( $is_new || array() !== $post['oddities'] ) {
			$rows[] = Page\post_row( $post );
		}
	}
	return $rows;
}

/**
 * Write the policy of a post and its preview, unless it has them already.
 *
 * @param array $post Of the service.
 */
function keep_policy( array $post ): void {
	$id = (int) $post['post_id'];
	if ( '' !== $post['preview_html'] && '' === (string) get_post_meta( $id, '_paywall_preview_html', true ) ) {
		update_post_meta( $id, '_paywall_preview_html', wp_slash( wp_kses_post( $post['preview_html'] ) ) );
	}
	if ( 'free' !== $post['policy'] && '' === (string) get_post_meta( $id, '_paywall_preview_paragraphs', true ) && Settings\get( 'preview_paragraphs' ) !== $post['preview_paragraphs'] ) {
		update_post_meta( $id, '_paywall_preview_paragraphs', $post['preview_paragraphs'] );
	}
	if ( '' === (string) get_post_meta( $id, '_paywall_policy', true ) && Policy\of( $id )['policy'] !== $post['policy'] ) {
		update_post_meta( $id, '_paywall_policy', $post['policy'] );
	}
}
