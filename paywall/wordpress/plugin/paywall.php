<?php
/**
 * Plugin Name: Paywall
 * Description: Keeps the paid part of articles out of the posts table, and shows it to readers whom the paywall service grants it.
 * Version: 0.1.0
 * Requires at least: 6.1
 * Requires PHP: 8.0
 * License: MIT
 * Text Domain: paywall
 * Domain Path: /languages
 *
 * @package Paywall
 */

declare( strict_types=1 );

namespace Paywall;

defined( 'ABSPATH' ) || exit;

const VERSION = '0.1.0';
const FILE    = __FILE__;

foreach ( array(
	'account',
	'admin/capabilities',
	'admin/connection-test',
	'admin/fields',
	'admin/moves',
	'admin/post-fields',
	'admin/post-list',
	'admin/settings-page',
	'admin/status',
	'admin/term-fields',
	'article',
	'breaker',
	'bulk',
	'caching',
	'decisions',
	'gate',
	'languages',
	'migration/folder',
	'migration/page',
	'migration/reading',
	'migration/sending',
	'policy',
	'privacy',
	'publishing',
	'queue',
	'reader-token',
	'service',
	'settings',
	'users',
	'vault/alarms',
	'vault/builders',
	'vault/class-cutter',
	'vault/cut',
	'vault/editing',
	'vault/moving',
	'vault/passages',
	'vault/reading',
	'vault/rows',
	'vault/saving',
	'vault/stub',
	'vault/sweep',
	'vault/switching',
	'vault/sync',
	'vault/texts',
	'viewer',
) as $paywall_file ) {
	require_once __DIR__ . "/includes/$paywall_file.php";
}

Account\register();
Admin\Capabilities\register();
Admin\ConnectionTest\register();
Admin\Moves\register();
Admin\PostFields\register();
Admin\PostList\register();
Admin\SettingsPage\register();
Admin\Status\register();
Admin\TermFields\register();
Caching\register();
Gate\register();
Languages\register();
Migration\Folder\register();
Migration\Page\register();
Migration\Sending\register();
Privacy\register();
Publishing\register();
Queue\register();
ReaderToken\register();
Users\register();
Vault\Alarms\register();
Vault\Builders\register();
Vault\Editing\register();
Vault\Moving\register();
Vault\Reading\register();
Vault\Saving\register();
Vault\Sweep\register();
Vault\Switching\register();
Vault\Sync\register();
