"""A network of sites where one writes on another, before anybody has been there."""

import json
from collections.abc import Callable

import pytest

from tests.sites.wordpress.canary import CANARY
from tests.sites.wordpress.site import WordPress

TEXT = f"<p>Rice grows.</p><!--more--><p>A {CANARY} costs more.</p>"
FOUND = """
define( 'WP_INSTALLING_NETWORK', true );
require 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
foreach ( $wpdb->tables( 'ms_global' ) as $name => $table ) { $wpdb->$name = $table; }
install_network();
$made = populate_network( 1, 'news.example', 'admin@example.org', 'News', '/', false );
echo is_wp_error( $made ) ? $made->get_error_code() : 'made';
"""
CONSTANTS: dict[str, str | int] = {
    "WP_ALLOW_MULTISITE": 1, "MULTISITE": 1, "SUBDOMAIN_INSTALL": 0, "PATH_CURRENT_SITE": "/",
    "DOMAIN_CURRENT_SITE": "news.example", "SITE_ID_CURRENT_SITE": 1, "BLOG_ID_CURRENT_SITE": 1,
}  # fmt: skip
NEW_SITE = """
$made = wp_insert_site( array(
    'domain' => 'news.example', 'path' => $argv[1], 'title' => 'News', 'user_id' => 1,
) );
echo is_wp_error( $made ) ? $made->get_error_message() : $made;
"""
ACTIVATE = """
require_once ABSPATH . 'wp-admin/includes/plugin.php';
echo wp_json_encode( activate_plugin( 'paywall/paywall.php', '', true ) );
"""
# Written by another site of the network, as plug-ins do that share posts.
INSERT = """
switch_to_blog( (int) $argv[1] );
wp_set_current_user( 1 );
$id = wp_insert_post( wp_slash( array( 'post_title' => 'Rice', 'post_content' => $argv[2],
    'post_status' => 'publish', 'meta_input' => array( '_paywall_policy' => 'premium' ) ) ) );
$stored = $wpdb->get_var( "SELECT post_content FROM $wpdb->posts WHERE ID = $id" );
echo wp_json_encode( array(
    str_contains( $stored, $argv[3] ),
    Paywall\\Vault\\whole( get_post( $id ) ), substr( Paywall\\Viewer\\article_id( $id ), 0, 2 ),
) );
"""
DEACTIVATE = """
require_once ABSPATH . 'wp-admin/includes/plugin.php';
deactivate_plugins( 'paywall/paywall.php', false, true );
"""
UNINSTALL = """
define( 'WP_UNINSTALL_PLUGIN', 'paywall/paywall.php' );
require WP_PLUGIN_DIR . '/paywall/uninstall.php';
"""


@pytest.fixture
def network(new_wordpress: Callable[[], WordPress]) -> WordPress:
    """Two sites in sub-folders, and the plug-in on both."""
    made = new_wordpress()
    assert made.php(FOUND, loaded=False) == "made"
    # On the command line nobody names the host.
    config = made.folder / "wp-config.php"
    host = "$_SERVER += array( 'HTTP_HOST' => 'news.example', 'REQUEST_URI' => '/' );"
    config.write_text(config.read_text().replace("<?php", f"<?php\n{host}", 1))
    made.define(**CONSTANTS)
    assert made.php(NEW_SITE, "/two/") == "2"
    assert made.php(ACTIVATE) == "null"
    return made


def test_a_new_site_of_a_network_keeps_what_another_writes_there(network: WordPress) -> None:
    # The third one is made while the plug-in is on, and nobody has been there yet.
    assert network.php(NEW_SITE, "/three/") == "3"
    for site, prefix in ((1, ""), (2, "2-"), (3, "3-")):
        printed = network.php(INSERT, str(site), TEXT, CANARY)
        is_given_away, whole, start = json.loads(printed)
        assert not is_given_away, site
        assert whole == TEXT
        assert start.startswith(prefix)
    network.php(DEACTIVATE)
    for table in ("wp_posts", "wp_2_posts", "wp_3_posts"):
        texts = network.sql(
            f"select post_content from {table} where post_content like '%{CANARY}%'"
        )
        assert texts == [[TEXT]], table
    network.php(UNINSTALL)
    assert network.sql("show tables like '%paywall%'") == []
    for table in ("wp_options", "wp_2_options", "wp_3_options"):
        names = network.sql(f"select option_name from {table} where option_name like '%paywall%'")
        assert names == [], table
    assert network.complaints() == []
