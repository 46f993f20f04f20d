<?php
/**
 * Cuts texts: one JSON object a line in, one JSON list of head, rest and tail a line out, both in
 * base64 where they hold text, because a text may be no UTF-8.
 *
 * @package Paywall
 */

define( 'ABSPATH', '/' );
require $argv[1] . '/includes/vault/cut.php';
require $argv[1] . '/includes/vault/class-cutter.php';

$paywall_line = fgets( STDIN );
while ( false !== $paywall_line ) {
	$paywall_asked = json_decode( $paywall_line, true );
	$paywall_parts = Paywall\Vault\cut( base64_decode( $paywall_asked['text'] ), $paywall_asked['paragraphs'], $paywall_asked['share'] );
	echo json_encode( array_map( 'base64_encode', $paywall_parts ) ), "\n";
	$paywall_line = fgets( STDIN );
}
