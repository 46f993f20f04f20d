"""A network of sites in sub-folders: the WordPress of the tests, extended as WordPress does it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sites.wordpress.mariadb import MariaDB
from tests.sites.wordpress.site import WordPress, running_wordpress

NETWORK = """
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/network.php';
foreach ( $wpdb->tables( 'ms_global' ) as $table => $name ) { $wpdb->$table = $name; }
install_network();
populate_network( 1, $argv[1], 'admin@example.org', 'The network', '/', false );
foreach ( array( 'home', 'siteurl' ) as $name ) {
    // Past the constants that stand for them until it is a network.
    $row = array( 'option_name' => $name );
    $wpdb->update( $wpdb->options, array( 'option_value' => 'http://' . $argv[1] ), $row );
}
"""
MAKE_SITE = """
$domain = get_network()->domain;
$url = "http://$domain" . untrailingslashit( $argv[1] );
$id = wp_insert_site( array(
    'domain' => $domain, 'path' => $argv[1], 'title' => $argv[1], 'user_id' => 1,
    'options' => array( 'home' => $url, 'siteurl' => $url ),
) );
if ( is_wp_error( $id ) ) { echo $id->get_error_message(); exit( 1 ); }
// WordPress has taken the colon of the port away.
$wpdb->update( $wpdb->blogs, array( 'domain' => $domain ), array( 'blog_id' => $id ) );
foreach ( get_users( array( 'blog_id' => 1 ) ) as $user ) {
    add_user_to_blog( $id, $user->ID, $user->roles[0] );
}
"""
SWITCH = """
require_once ABSPATH . 'wp-admin/includes/plugin.php';
if ( 'on' === $argv[1] ) {
    $result = activate_plugin( 'paywall/paywall.php', '', true );
    if ( is_wp_error( $result ) ) { echo $result->get_error_message(); exit( 1 ); }
} else {
    deactivate_plugins( 'paywall/paywall.php', false, true );
}
"""


class Network:
    """Its sites by their paths; the main one is `/`."""

    def __init__(self, wordpress: WordPress) -> None:
        self._wordpress = wordpress
        self._state = "off"
        self._constants: dict[str, str | int] = {
            "MULTISITE": True, "SUBDOMAIN_INSTALL": False,
            "DOMAIN_CURRENT_SITE": f"127.0.0.1:{wordpress.port}", "PATH_CURRENT_SITE": "/",
            "SITE_ID_CURRENT_SITE": 1, "BLOG_ID_CURRENT_SITE": 1,
        }  # fmt: skip
        wordpress.php(NETWORK, f"127.0.0.1:{wordpress.port}")
        self.define()

    def define(self, **constants: str | int) -> None:
        self._wordpress.define(**self._constants, **constants)

    def site(self, path: str) -> WordPress:
        """The network's WordPress, whose PHP code runs in this site."""
        made = copy.copy(self._wordpress)
        host = f"127.0.0.1:{made.port}"
        made.prelude = f"$_SERVER['HTTP_HOST'] = '{host}'; $_SERVER['REQUEST_URI'] = '{path}';\n"
        return made

    def make_site(self, path: str) -> WordPress:
        """Another site, with all users."""
        self.site("/").php(MAKE_SITE, path)
        return self.site(path)

    def switch(self, state: str) -> None:
        """Switch the plug-in `on` or `off` for the whole network, unless it is so already."""
        if state != self._state:
            self.site("/").php(SWITCH, state)
            self._state = state


@contextmanager
def running_network(folder: Path, mariadb: MariaDB, dump: str) -> Iterator[Network]:
    """A network whose main site is the WordPress of the dump."""
    with running_wordpress(folder, mariadb, dump) as wordpress:
        yield Network(wordpress)
