"""A real WordPress: Debian's, on a MariaDB of the tests' own, served by PHP's built-in server.

with running_wordpress(folder / "wp", mariadb) as wordpress:
    wordpress.activate(PLUGIN)
    wordpress.get("/?p=1", user="ann")
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import httpx

from paywall.wordpress.package import build_zip
from tests.postgres import free_port
from tests.sites.wordpress.mariadb import MariaDB

SOURCE = Path("/usr/share/wordpress")
HERE = Path(__file__).parent
PHP_WORKERS = 4
PHP = [
    "php", "-d", "memory_limit=512M", "-d", "opcache.enable_cli=1", "-d", "display_errors=0",
    # A constant that a test defines holds at once.
    "-d", "opcache.revalidate_freq=0",
    "-d", "log_errors=1", "-d", "max_execution_time=120", "-d", "upload_max_filesize=64M",
    "-d", "post_max_size=64M", "-d", "sendmail_path=/bin/true",
]  # fmt: skip
READY_WITHIN_SECONDS = 30
TIMEOUT_SECONDS = 60
CLASSIC, BLOCK = "twentytwentyone", "twentytwentythree"
# Login names, which are their passwords as well, by role.
USERS = {
    "admin": "administrator", "edit": "editor", "author": "author", "contrib": "contributor",
    "ann": "subscriber", "bo": "subscriber",
}  # fmt: skip
CONFIG = """<?php
define( 'DB_NAME', '{database}' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{socket}' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
{keys}
$table_prefix = 'wp_';
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', '{log}' );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' );
define( 'FS_METHOD', 'direct' );
if ( is_file( __DIR__ . '/constants.php' ) ) {{ require __DIR__ . '/constants.php'; }}
// Of a network each site has its own.
if ( ! defined( 'MULTISITE' ) ) {{
    define( 'WP_HOME', '{url}' );
    define( 'WP_SITEURL', '{url}' );
}}
if ( ! defined( 'ABSPATH' ) ) {{ define( 'ABSPATH', __DIR__ . '/' ); }}
require_once ABSPATH . 'wp-settings.php';
"""
KEYS = [
    f"{name}_{kind}"
    for name in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
    for kind in ("KEY", "SALT")
]
INSTALL = """
define( 'WP_INSTALLING', true );
require 'wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'The Test', 'admin', 'admin@example.org', true, '', 'admin' );
foreach ( json_decode( $argv[1], true ) as $name => $role ) {
    $id = 'admin' === $name ? 1 : wp_insert_user( array(
        'user_login' => $name, 'user_pass' => $name, 'role' => $role,
        'user_email' => "$name@example.org",
    ) );
}
global $wp_rewrite;
$wp_rewrite->set_permalink_structure( '/%year%/%postname%/' );
// While installing, the taxonomies have no rules yet: the first request makes them.
delete_option( 'rewrite_rules' );
"""


class WordPress:
    """One running WordPress, in a folder and a database of its own."""

    def __init__(self, folder: Path, mariadb: MariaDB) -> None:
        self.folder = folder
        self.mariadb = mariadb
        self.database = folder.name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder.parent / f"{folder.name}-debug.log"
        # Where PHP puts temporary files.
        self.temporary = folder.parent / f"{folder.name}-tmp"
        self.http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS)
        # What PHP code begins with.
        self.prelude = ""

    def write_files(self) -> None:
        shutil.copytree(SOURCE, self.folder, ignore=shutil.ignore_patterns("wp-config.php"))
        keys = "\n".join(f"define( '{key}', '{key} of the tests' );" for key in KEYS)
        (self.folder / "wp-config.php").write_text(
            CONFIG.format(
                database=self.database, socket=self.mariadb.socket, url=self.url, log=self.log,
                keys=keys,
            )
        )  # fmt: skip
        for name in ("uploads", "mu-plugins"):
            (self.folder / "wp-content" / name).mkdir(exist_ok=True)
        with ZipFile(BytesIO(build_zip())) as plugin:
            plugin.extractall(self.folder / "wp-content" / "plugins")

    def start(self) -> None:
        """Start PHP; again after it was killed, on the same port."""
        self.temporary.mkdir(exist_ok=True)
        with (self.folder.parent / f"{self.database}-php.log").open("a") as log:
            self.process = subprocess.Popen(
                [*PHP, "-S", f"127.0.0.1:{self.port}", "-t", str(self.folder),
                 str(HERE / "router.php")],
                stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PHP_CLI_SERVER_WORKERS": str(PHP_WORKERS),
                     "TMPDIR": str(self.temporary)},
            )  # fmt: skip
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            time.sleep(0.02)
        raise AssertionError(log)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End PHP with its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(30)
        # A worker that ends a little later would take the first request after a new start.
        with suppress(ConnectionRefusedError):
            while True:
                with suppress(ConnectionResetError):
                    socket.create_connection(("127.0.0.1", self.port)).close()
        self.http.close()
        self.http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS)

    def define(self, **constants: str | int) -> None:
        """Constants of wp-config.php, over those that were defined so before."""
        lines = [f"define( '{name}', {json.dumps(value)} );" for name, value in constants.items()]
        (self.folder / "constants.php").write_text("<?php\n" + "\n".join(lines) + "\n")

    def php(self, code: str, *arguments: str, loaded: bool = True) -> str:
        """Run PHP code within WordPress; its output, which has to come without a warning."""
        text = self.prelude + ("require 'wp-load.php';\n" if loaded else "") + code
        ran = subprocess.run(
            [*PHP, "-r", text, "--", *arguments], cwd=self.folder, check=False,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stderr == "", ran.stderr
        return ran.stdout

    def sql(self, statements: str) -> list[list[str]]:
        return self.mariadb.sql(statements, self.database)

    def activate(self, plugin: str = "paywall/paywall.php") -> None:
        self.php(
            "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
            "$result = activate_plugin( $argv[1] );"
            "if ( is_wp_error( $result ) ) { echo $result->get_error_message(); exit( 1 ); }",
            plugin,
        )

    def deactivate(self, plugin: str = "paywall/paywall.php") -> None:
        self.php(
            "require_once ABSPATH . 'wp-admin/includes/plugin.php';deactivate_plugins( $argv[1] );",
            plugin,
        )

    def complaints(self) -> list[str]:
        """What PHP logged about the plug-in; WordPress 6.1 has complaints of its own on PHP 8.2."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if "plugins/paywall" in line or "database error" in line]

    def switch_theme(self, name: str) -> None:
        self.php("switch_theme( $argv[1] );", name)

    def run_cron(self) -> None:
        """Run what is due, as the system's cron does it."""
        self.php("", loaded=False)
        subprocess.run([*PHP, "wp-cron.php"], cwd=self.folder, check=True, timeout=300)

    def insert_post(self, **fields: object) -> int:
        """A published post with these fields of `wp_insert_post`; its id."""
        post = {"post_status": "publish", "post_author": 1, "post_type": "post", **fields}
        return int(
            self.php(
                "wp_set_current_user( 1 );"
                "$id = wp_insert_post( wp_slash( json_decode( $argv[1], true ) ), true );"
                "echo is_wp_error( $id ) ? $id->get_error_message() : $id;",
                json.dumps(post),
            )
        )

    def cookies(self, user: str) -> dict[str, str]:
        """The cookies of a user who is signed in."""
        return self._cookies[user]

    @cached_property
    def _cookies(self) -> dict[str, dict[str, str]]:
        printed = self.php(
            "$all = array();"
            "foreach ( get_users() as $user ) {"
            "  $end = time() + 86400;"
            "  $token = WP_Session_Tokens::get_instance( $user->ID )->create( $end );"
            "  $of = fn( $kind ) => wp_generate_auth_cookie( $user->ID, $end, $kind, $token );"
            "  $all[ $user->user_login ] ="
            "    array( AUTH_COOKIE => $of( 'auth' ), LOGGED_IN_COOKIE => $of( 'logged_in' ) );"
            "}"
            "echo json_encode( $all );"
        )
        cookies: dict[str, dict[str, str]] = json.loads(printed)
        return cookies

    def user_id(self, user: str) -> int:
        return int(self.sql(f"select ID from wp_users where user_login = '{user}'")[0][0])

    def get(self, path: str, *, user: str | None = None, **options: object) -> httpx.Response:
        """Fetch a page, as a user who is signed in or as nobody."""
        return self.request("GET", path, user=user, **options)

    def request(
        self, method: str, path: str, *, user: str | None = None, **options: object
    ) -> httpx.Response:
        cookies = self.cookies(user) if user else {}
        header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        headers = {**(header if cookies else {}), **options.pop("headers", {})}  # type: ignore[dict-item]  # a test's own headers
        return self.http.request(method, path, headers=headers, **options)  # type: ignore[arg-type]  # httpx's own options


@contextmanager
def running_wordpress(folder: Path, mariadb: MariaDB, dump: str = "") -> Iterator[WordPress]:
    """WordPress in the new folder `folder`, whose name is its database's; `dump` is of another.

    With the dump of an installed one it is up in a second; the first takes some seconds.
    """
    wordpress = WordPress(folder, mariadb)
    wordpress.write_files()
    mariadb.create(wordpress.database, dump)
    if not dump:
        wordpress.php(INSTALL, json.dumps(USERS), loaded=False)
    wordpress.start()
    try:
        yield wordpress
    finally:
        wordpress.kill()
