<?php
/**
 * The queue of what the service has to know: posts to publish and readers to erase.
 *
 * One row for each, unique, in a table: a row stays until the service has confirmed it. Each change
 * raises the row's version, and only the version that was sent is removed, so that a change in
 * between is sent as well. A lock of the database keeps two processes from sending the same thing;
 * it ends with the process.
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall\Queue;

use Paywall\Settings;

defined( 'ABSPATH' ) || exit;

const TABLE             = 'paywall_queue';
const VERSION_OPTION    = 'paywall_queue_version';
const TABLE_VERSION     = 1;
const CRON_HOOK         = 'paywall_work_queue';
const BATCH_ROWS        = 100;
const ATTEMPTS_A_CHANGE = 3;
const DELAY_SECONDS     = 30;
const DELAY_SECONDS_MAX = HOUR_IN_SECONDS;
const WORK_SECONDS      = 50;
const END_SECONDS       = 5;
const ERROR_CHARACTERS  = 500;

/**
 * Add the hooks.
 */
function register(): void {
	// When all post types are known.
	add_action( 'init', __NAMESPACE__ . '\prepare', 99 );
	add_action( CRON_HOOK, __NAMESPACE__ . '\work', 10, 0 );
	register_deactivation_hook( \Paywall\FILE, __NAMESPACE__ . '\stop' );
}

/**
 * Make the table, on each site of a network, and see to it that the queue is worked on.
 */
function prepare(): void {
	if ( TABLE_VERSION === (int) get_option( VERSION_OPTION ) ) {
		return;
	}
	global $wpdb;
	$table   = table();
	$charset = $wpdb->get_charset_collate();
	// phpcs:disable WordPress.DB -- the table of this plug-in, made once.
	$wpdb->query(
		"CREATE TABLE IF NOT EXISTS `$table` (
			kind varchar(10) NOT NULL,
			target varchar(191) NOT NULL,
			version bigint unsigned NOT NULL DEFAULT 1,
			changed_at int unsigned NOT NULL,
			due_at int unsigned NOT NULL,
			attempts int unsigned NOT NULL DEFAULT 0,
			error varchar(500) NOT NULL DEFAULT '',
			PRIMARY KEY  (kind, target),
			KEY due_at (due_at)
		) ENGINE=InnoDB $charset"
	);
	// phpcs:enable
	update_option( VERSION_OPTION, TABLE_VERSION );
	// What was published before this plug-in was there, or while it was off. No visitor waits for it.
	\Paywall\Publishing\enqueue_all();
}

/**
 * The table's name on this site.
 */
function table(): string {
	global $wpdb;
	return $wpdb->prefix . TABLE;
}

/**
 * Put something in, due at once. It is sent when this request ends, and otherwise by WP-Cron.
 *
 * @param string $kind   `article` or `reader`.
 * @param string $target A post ID, or a reader's id.
 */
function add( string $kind, string $target ): void {
	global $wpdb;
	prepare();
	$table = table();
	$now   = time();
	// phpcs:disable WordPress.DB -- one statement, so that no change is lost between two processes.
	$wpdb->query(
		$wpdb->prepare(
			"INSERT INTO `$table` (kind, target, changed_at, due_at) VALUES (%s, %s, %d, %d)
			ON DUPLICATE KEY UPDATE version = version + 1, changed_at = VALUES(changed_at), due_at = VALUES(due_at), attempts = 0",
			$kind,
			$target,
			$now,
			$now
		)
	);
	// phpcs:enable
	schedule();
	send_at_end();
}

/**
 * Have what this request put in sent when it ends.
 */
function send_at_end(): void {
	if ( ! has_action( 'shutdown', __NAMESPACE__ . '\work_at_end' ) ) {
		add_action( 'shutdown', __NAMESPACE__ . '\work_at_end' );
	}
}

/**
 * Send what this request put in, after its response where PHP can do that.
 */
function work_at_end(): void {
	if ( function_exists( 'fastcgi_finish_request' ) ) {
		fastcgi_finish_request();
	}
	work( END_SECONDS );
}

/**
 * Send what is due, until there is nothing left or the service does not answer.
 *
 * @param int $seconds_max How long it may take.
 * @return bool Whether nothing that is due is left.
 */
function work( int $seconds_max = WORK_SECONDS ): bool {
	prepare();
	if ( ! Settings\is_connected() ) {
		return false;
	}
	$ends_at = time() + $seconds_max;
	$done    = array();
	do {
		$rows = array_filter( due(), fn( $row ) => ! isset( $done[ "$row->kind $row->target" ] ) );
		foreach ( $rows as $row ) {
			$done[ "$row->kind $row->target" ] = true;
		}
		if ( ! work_on_rows( $rows, $ends_at ) ) {
			schedule();
			return false;
		}
	} while ( array() !== $rows );
	schedule();
	return true;
}

/**
 * Send rows: posts together, and alone what failed before or cannot be sent with others.
 *
 * @param object[] $rows    Of due().
 * @param int      $ends_at When to stop.
 * @return bool Whether to go on: false if time is over, or the service does not answer.
 */
function work_on_rows( array $rows, int $ends_at ): bool {
	$is_first_attempt = fn( $row ) => 'article' === $row->kind && 0 === (int) $row->attempts;
	$together         = array_filter( $rows, $is_first_attempt );
	if ( count( $together ) > 1 ) {
		$left = \Paywall\Bulk\send( array_column( $together, 'target' ), $ends_at );
		$rows = array_filter( $rows, fn( $row ) => ! $is_first_attempt( $row ) || in_array( $row->target, $left, true ) );
		if ( \Paywall\Service\has_failed() ) {
			return false;
		}
	}
	foreach ( $rows as $row ) {
		if ( time() >= $ends_at || ! work_on( $row->kind, $row->target ) ) {
			return false;
		}
	}
	return true;
}

/**
 * Send one thing, and again if it changes meanwhile.
 *
 * @param string $kind   Of the row.
 * @param string $target Of the row.
 * @return bool Whether to go on: false if the service does not answer or refuses the site.
 */
function work_on( string $kind, string $target ): bool {
	if ( ! lock( $kind, $target ) ) {
		return true;
	}
	$goes_on = true;
	for ( $attempt = 0; $attempt < ATTEMPTS_A_CHANGE && $goes_on; $attempt++ ) {
		$version = versions( $kind, array( $target ) )[ $target ] ?? null;
		if ( null === $version ) {
			break;
		}
		$answer = send( $kind, $target );
		if ( '' === $answer['error'] ) {
			remove( $kind, $target, $version );
			continue;
		}
		$goes_on = ! \Paywall\Service\has_failed();
		postpone( $kind, $target, $version, $answer['error'] );
		break;
	}
	unlock( $kind, $target );
	return $goes_on;
}

/**
 * Have a row to this process alone, until unlock() or the process's end. A process may have many.
 *
 * @param string $kind   Of the row.
 * @param string $target Of the row.
 * @return bool False if another process has it, which then sends what changed as well.
 */
function lock( string $kind, string $target ): bool {
	global $wpdb;
	return '1' === $wpdb->get_var( $wpdb->prepare( 'SELECT GET_LOCK(%s, 0)', lock_name( $kind, $target ) ) ); // phpcs:ignore WordPress.DB -- a lock is for all processes.
}

/**
 * Let other processes have a row again.
 *
 * @param string $kind   Of the row.
 * @param string $target Of the row.
 */
function unlock( string $kind, string $target ): void {
	global $wpdb;
	$wpdb->query( $wpdb->prepare( 'SELECT RELEASE_LOCK(%s)', lock_name( $kind, $target ) ) ); // phpcs:ignore WordPress.DB -- as above.
}

/**
 * The lock's name, at most 64 characters, for this table among those of the database's server.
 *
 * @param string $kind   Of the row.
 * @param string $target Of the row.
 */
function lock_name( string $kind, string $target ): string {
	return substr( md5( DB_NAME . table() ), 0, 12 ) . ".$kind." . md5( $target );
}

/**
 * The versions of rows as they are now, by target; a row that is gone has none.
 *
 * @param string   $kind    Of the rows.
 * @param string[] $targets Of the rows, at least one.
 * @return array<string, int>
 */
function versions( string $kind, array $targets ): array {
	global $wpdb;
	$table  = table();
	$places = implode( ', ', array_fill( 0, count( $targets ), '%s' ) );
	// phpcs:disable WordPress.DB -- versions are for all processes, so nothing is cached.
	$rows = $wpdb->get_results( $wpdb->prepare( "SELECT target, version FROM `$table` WHERE kind = %s AND target IN ($places)", $kind, ...$targets ) );
	// phpcs:enable
	return array_map( 'intval', array_column( (array) $rows, 'version', 'target' ) );
}

/**
 * Remove a row that the service has confirmed, unless it changed since.
 *
 * @param string $kind    Of the row.
 * @param string $target  Of the row.
 * @param int    $version The version that was sent.
 * @return bool Whether it was removed.
 */
function remove( string $kind, string $target, int $version ): bool {
	global $wpdb;
	$row = array(
		'kind'    => $kind,
		'target'  => $target,
		'version' => $version,
	);
	return 1 === $wpdb->delete( table(), $row, array( '%s', '%s', '%d' ) ); // phpcs:ignore WordPress.DB -- our own table.
}

/**
 * Send one thing as it is now.
 *
 * @param string $kind   Of the row.
 * @param string $target Of the row.
 * @return array{status:int, body:array|null, error:string}
 */
function send( string $kind, string $target ): array {
	return 'reader' === $kind ? \Paywall\Users\erase( $target ) : \Paywall\Article\send( (int) $target );
}

/**
 * Try a row again later, each time twice as late, at most in an hour.
 *
 * @param string $kind    Of the row.
 * @param string $target  Of the row.
 * @param int    $version The version that failed; a newer one is due at once.
 * @param string $error   Why.
 */
function postpone( string $kind, string $target, int $version, string $error ): void {
	global $wpdb;
	$table = table();
	// phpcs:disable WordPress.DB -- the version is for all processes, so nothing is cached.
	$wpdb->query(
		$wpdb->prepare(
			"UPDATE `$table` SET due_at = IF(version = %d, %d + LEAST(%d, %d * POW(2, LEAST(attempts, 10))), due_at),
			attempts = attempts + 1, error = %s WHERE kind = %s AND target = %s",
			$version,
			time(),
			DELAY_SECONDS_MAX,
			DELAY_SECONDS,
			mb_substr( $error, 0, ERROR_CHARACTERS ),
			$kind,
			$target
		)
	);
	// phpcs:enable
}

/**
 * Rows that are due, the longest waiting first.
 *
 * @return object[]
 */
function due(): array {
	global $wpdb;
	$table = table();
	$query = $wpdb->prepare( "SELECT kind, target, attempts FROM `$table` WHERE due_at <= %d ORDER BY due_at, kind, target LIMIT %d", time(), BATCH_ROWS ); // phpcs:ignore WordPress.DB -- the name of our own table.
	return (array) $wpdb->get_results( $query ); // phpcs:ignore WordPress.DB -- prepared in the line above; other processes change it.
}

/**
 * What waits, for the settings page: the number of all, and the oldest.
 *
 * @param int $limit How many of them.
 * @return array{count:int, rows:object[]} Rows with kind, target, changed_at, due_at, attempts, error.
 */
function waiting( int $limit = 20 ): array {
	global $wpdb;
	prepare();
	$table = table();
	// phpcs:disable WordPress.DB -- the page shows what is there now.
	return array(
		'count' => (int) $wpdb->get_var( "SELECT COUNT(*) FROM `$table`" ),
		'rows'  => (array) $wpdb->get_results( $wpdb->prepare( "SELECT * FROM `$table` ORDER BY attempts DESC, changed_at, kind, target LIMIT %d", $limit ) ),
	);
	// phpcs:enable
}

/**
 * What waits of one kind and target; null if nothing does.
 *
 * @param string $kind   Of the row.
 * @param string $target Of the row.
 */
function row( string $kind, string $target ): ?object {
	global $wpdb;
	$table = table();
	$query = $wpdb->prepare( "SELECT * FROM `$table` WHERE kind = %s AND target = %s", $kind, $target ); // phpcs:ignore WordPress.DB -- the name of our own table.
	return $wpdb->get_row( $query ); // phpcs:ignore WordPress.DB -- prepared in the line above; other processes change it.
}

/**
 * Let WP-Cron work when the next row is due; and each hour, should that event be lost.
 */
function schedule(): void {
	global $wpdb;
	if ( ! wp_next_scheduled( CRON_HOOK, array( 60 ) ) ) {
		wp_schedule_event( time() + HOUR_IN_SECONDS, 'hourly', CRON_HOOK, array( 60 ) );
	}
	$table  = table();
	$due_at = $wpdb->get_var( "SELECT MIN(due_at) FROM `$table`" ); // phpcs:ignore WordPress.DB -- other processes change it.
	$next   = wp_next_scheduled( CRON_HOOK );
	if ( null === $due_at || ( false !== $next && $next <= (int) $due_at ) ) {
		return;
	}
	if ( false !== $next ) {
		wp_unschedule_event( $next, CRON_HOOK );
	}
	wp_schedule_single_event( max( time(), (int) $due_at ), CRON_HOOK );
}

/**
 * Nothing is scheduled while the plug-in is off; what waits stays in the table. Switched on again,
 * each site sends what was published meanwhile.
 *
 * @param bool $is_network On all sites of a network.
 */
function stop( $is_network ): void {
	\Paywall\Vault\Switching\for_each_site(
		(bool) $is_network,
		static function () {
			wp_unschedule_hook( CRON_HOOK );
			delete_option( VERSION_OPTION );
		}
	);
}
