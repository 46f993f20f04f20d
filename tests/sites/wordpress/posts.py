"""Posts with a paid part, and their pages."""

import json
from typing import Any, NamedTuple

from tests.sites.wordpress.site import WordPress

OPEN, PAID = "Everybody reads this.", "The tenth sack pays for the roof."
TEXT = f"<p>{OPEN}</p>\n<!--more-->\n<p>{PAID}</p>"
INSERT = """
wp_set_current_user( 1 );
$made = array();
foreach ( json_decode( $argv[1], true ) as $fields ) {
    $id = wp_insert_post( wp_slash( $fields ), true );
    $made[] = array( $id, wp_make_link_relative( get_permalink( $id ) ) );
}
echo json_encode( $made );
"""


class Post(NamedTuple):
    """A post and its address; a redirect would lose the cookies."""

    id: int
    path: str


def posts(wordpress: WordPress, *policies: str, **fields: Any) -> list[Post]:
    """One post for each of the policies."""
    meta = {"_paywall_cost": 1, **fields.pop("meta_input", {})}
    usual = {"post_title": "Rice", "post_content": TEXT, "post_status": "publish", **fields}
    rows = [{**usual, "meta_input": {**meta, "_paywall_policy": policy}} for policy in policies]
    return [Post(*made) for made in json.loads(wordpress.php(INSERT, json.dumps(rows)))]


def read(wordpress: WordPress, page: Post, user: str | None = None) -> str:
    answer = wordpress.get(page.path, user=user)
    assert answer.status_code == 200, answer.text
    return answer.text


def assert_nothing_logged(wordpress: WordPress) -> None:
    """WordPress 6.1 itself logs deprecations on PHP 8.2; the plug-in has to log nothing."""
    log = wordpress.log.read_text() if wordpress.log.exists() else ""
    assert "plugins/paywall" not in log, log
