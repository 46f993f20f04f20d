<?php
/**
 * Router for PHP's built-in server: files as they are, everything else through WordPress' front
 * controller, as .htaccess does it on Apache.
 *
 * @package Paywall
 */

$paywall_root = $_SERVER['DOCUMENT_ROOT'];
$paywall_path = rawurldecode( (string) parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) );
// A network in sub-folders: /second/wp-admin/ is /wp-admin/.
if ( ! file_exists( $paywall_root . $paywall_path ) ) {
	$paywall_path = preg_replace( '#^/[_0-9a-zA-Z-]+(/(?:wp-(?:content|admin|includes)|wp-[a-z-]+\.php).*)#', '$1', $paywall_path );
}
if ( is_dir( $paywall_root . $paywall_path ) ) {
	$paywall_path = rtrim( $paywall_path, '/' ) . '/index.php';
}
if ( is_file( $paywall_root . $paywall_path ) ) {
	if ( ! str_ends_with( $paywall_path, '.php' ) ) {
		return false;
	}
	$_SERVER['SCRIPT_NAME']     = $paywall_path;
	$_SERVER['PHP_SELF']        = $paywall_path;
	$_SERVER['SCRIPT_FILENAME'] = $paywall_root . $paywall_path;
	chdir( dirname( $paywall_root . $paywall_path ) );
	require $paywall_root . $paywall_path;
	return true;
}
$_SERVER['SCRIPT_NAME']     = '/index.php';
$_SERVER['PHP_SELF']        = '/index.php';
$_SERVER['SCRIPT_FILENAME'] = $paywall_root . '/index.php';
chdir( $paywall_root );
require $paywall_root . '/index.php';
return true;
