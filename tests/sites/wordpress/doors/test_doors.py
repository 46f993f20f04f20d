"""No door of a WordPress gives a gated text to somebody whom the service did not grant it."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

import httpx
import pytest

from tests.processes import Served
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.doors.content import BY_KEY, CANARY, DENIED, POSTS, UNPUBLISHED, Post
from tests.sites.wordpress.doors.doors import (
    ADMIN_LISTS,
    ADMIN_OF_A_POST,
    BRIEF,
    DOORS,
    LISTS,
    REST_LISTS,
    REST_OF_A_POST,
    SINGLE,
    XML_RPC,
    Door,
    finds,
    gives,
)
from tests.sites.wordpress.site import BLOCK, CLASSIC, WordPress

HERE = Path(__file__).parent
LEAKING_MIN = 60
WORKERS = 4
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Role(NamedTuple):
    """Somebody who may not read: the user who is signed in, if any, and the doors they try."""

    user: str | None
    doors: list[Door]
    headers: Mapping[str, str] = MappingProxyType({})


SHOWN_DOORS = [*SINGLE, *LISTS]
ROLES = {
    "anonymous": Role(None, DOORS),
    "search engine": Role(None, SHOWN_DOORS, {"User-Agent": GOOGLE, "From": "bot@example.org"}),
    "feed reader": Role(None, SHOWN_DOORS, {"User-Agent": "Feedly/1.0", "If-None-Match": '"0"'}),
    "reader": Role("ann", DOORS),
    "reader of another post": Role("bo", [*SINGLE, *REST_OF_A_POST, *LISTS]),
    "reader by application password": Role(
        None, [*REST_OF_A_POST, *REST_LISTS], {"Authorization": "BASIC"}
    ),
    "contributor": Role("contrib", DOORS),
    "author": Role("author", [*ADMIN_OF_A_POST, *ADMIN_LISTS, *XML_RPC, *REST_OF_A_POST]),
}
# The posts that a role may read, at whatever door: their own.
MAY_READ = {"author": {"owned"}, "reader of another post": {"classic"}}
# `registered` posts are open to whoever is signed in, `metered` ones on their own page.
SIGNED_IN = {role for role in ROLES if role not in ("anonymous", "search engine", "feed reader")}
FILL_PAGES = """
foreach ( json_decode( $argv[1], true ) as $slug => $content ) {
    wp_insert_post( wp_slash( array( 'post_type' => 'page', 'post_status' => 'publish',
        'post_title' => 'A page', 'post_name' => $slug, 'post_content' => $content ) ) );
}
$password = WP_Application_Passwords::create_new_application_password(
    get_user_by( 'login', 'ann' )->ID, array( 'name' => 'test' ) );
echo base64_encode( 'ann:' . $password[0] );
"""
PAGES = {
    "blocks-of-a-page": (
        '<!-- wp:latest-posts {"postsToShow":50,"displayPostContent":true,'
        '"displayPostContentRadio":"full_post"} /-->\n'
        '<!-- wp:query {"queryId":1,"query":{"perPage":50,"postType":"post","inherit":false}} -->\n'
        '<div class="wp-block-query"><!-- wp:post-template -->\n<!-- wp:post-title /-->'
        "<!-- wp:post-content /--><!-- wp:post-excerpt /-->\n<!-- /wp:post-template --></div>\n"
        "<!-- /wp:query -->"
    ),
    "neighbour-page": "[neighbour_loop]",
}


class Filled(NamedTuple):
    """A WordPress with a post of each kind."""

    wordpress: WordPress
    ids: dict[str, int]
    revisions: dict[str, int]
    basic: str


class Leak(NamedTuple):
    """What a door gave away."""

    door: Door
    role: str
    post: str


def _fill(wordpress: WordPress) -> Filled:
    (wordpress.folder / "wp-content/mu-plugins/neighbours.php").write_text(
        (HERE / "neighbours.php").read_text()
    )
    posts = {post.key: post.fields() for post in POSTS}
    code = (HERE / "content.php").read_text().removeprefix("<?php")
    ids = json.loads(wordpress.php(code, json.dumps(posts)))
    basic = wordpress.php(FILL_PAGES, json.dumps(PAGES))
    rows = wordpress.sql(
        "select post_parent, max(ID) from wp_posts where post_type = 'revision' group by 1"
    )
    by_id = {int(parent): int(revision) for parent, revision in rows}
    return Filled(wordpress, ids, {key: by_id.get(id_, 0) for key, id_ in ids.items()}, basic)


@pytest.fixture(scope="module")
def bare(new_wordpress: Callable[[], WordPress]) -> Filled:
    """The same site without the plug-in."""
    return _fill(new_wordpress())


@pytest.fixture(scope="module")
def gated(wordpress: WordPress, service: Served) -> Filled:
    filled = _fill(wordpress)
    wordpress.run_cron()
    unlock = httpx.post(
        f"{service.address}/v1/subscribers/{wordpress.user_id('bo')}/unlocks",
        headers={"Authorization": f"Bearer {service.site_token('admin')}"},
        json={"article_id": str(filled.ids["classic"]), "source": "complimentary"},
    )
    assert unlock.is_success, unlock.text
    return filled


def _ask(filled: Filled, http: httpx.Client, door: Door, role: str, post: Post) -> httpx.Response:
    user, _doors, headers = ROLES[role]
    path = f"/2026/{post.key}/"
    words = {
        "{id}": str(filled.ids[post.key]), "{slug}": post.key, "{word}": post.canary,
        "{path}": path, "{url}": quote(f"{filled.wordpress.url}{path}", safe=""),
        "{revision}": str(filled.revisions[post.key]), "USER": escape(user or "ann"),
    }  # fmt: skip
    target, data = door.path, door.data
    for name, value in words.items():
        target, data = target.replace(name, value), data.replace(name, value)
    sent = {name: value for name, value in headers.items() if value != "BASIC"}
    if "BASIC" in headers.values():
        sent["Authorization"] = f"Basic {filled.basic}"
    sent |= dict(door.headers)
    if user and "Cookie" not in sent:
        cookies = filled.wordpress.cookies(user)
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return http.request(door.method, target, content=data or None, headers=sent)


def _questions(
    roles: Iterable[str], keys: Iterable[str], doors: list[Door] | None
) -> list[tuple[Door, str, Post]]:
    """Doors of a post for each of these posts, all others once."""
    return [
        (door, role, BY_KEY[key])
        for role in roles
        for door in doors or ROLES[role].doors
        for key in (keys if door.is_of_a_post else [POSTS[0].key])
    ]


def _leaks(
    filled: Filled, roles: Iterable[str], keys: list[str], doors: list[Door] | None = None
) -> list[Leak]:
    """Ask every door of the roles, or these; what it gave to somebody who may not have it."""

    with httpx.Client(base_url=filled.wordpress.url, timeout=60) as http:

        def ask(question: tuple[Door, str, Post]) -> list[Leak]:
            door, role, post = question
            answer = _ask(filled, http, door, role, post)
            text = f"{answer.text}\n{answer.headers}"
            if door.is_search:
                return [Leak(door, role, post.key)] if finds(text, post) else []
            return [
                Leak(door, role, other.key)
                for other in POSTS
                if not _may_read(role, other, door, post) and gives(text, other)
            ]

        with ThreadPoolExecutor(WORKERS) as pool:
            answers = pool.map(ask, _questions(roles, keys, doors))
            return [leak for found in answers for leak in found]


def _may_read(role: str, other: Post, door: Door, asked: Post) -> bool:
    if other.key in MAY_READ.get(role, set()):
        return True
    if door.path.startswith("/wp-admin") or not door.is_of_a_post or other != asked:
        return False
    is_open = (other.policy == "registered" and role in SIGNED_IN) or other.policy == "metered"
    return is_open and door.path.startswith(("{path}", "/?p=", "/index.php?p=", "/?name="))


def _shown(leaks: list[Leak]) -> str:
    return "\n".join(
        sorted(
            {f"{leak.role}: {leak.door.path} {leak.door.data} gives {leak.post}" for leak in leaks}
        )
    )


def test_without_the_plug_in_the_doors_leak(bare: Filled) -> None:
    leaks = _leaks(bare, ["anonymous"], ["moretag"])
    assert len({leak.door for leak in leaks}) >= LEAKING_MIN, _shown(leaks)


def test_no_door_gives_a_gated_text(gated: Filled) -> None:
    leaks = _leaks(gated, ROLES, DENIED[:1])
    assert not leaks, _shown(leaks)


def test_no_kind_of_post_is_given_away(gated: Filled) -> None:
    leaks = _leaks(gated, ["anonymous"], [post.key for post in POSTS[1:]], BRIEF)
    leaks += _leaks(gated, ["reader"], DENIED[1:], BRIEF)
    assert not leaks, _shown(leaks)


def test_no_row_of_the_posts_holds_a_gated_text(gated: Filled) -> None:
    rows = gated.wordpress.sql(
        f"select ID, post_title from wp_posts where post_content like '%{CANARY}%'"
    )
    assert rows == []


@pytest.mark.parametrize("table", ["wp_postmeta", "wp_options", "wp_comments", "wp_usermeta"])
def test_no_other_table_holds_a_gated_text(gated: Filled, table: str) -> None:
    dump = "\n".join("\t".join(row) for row in gated.wordpress.sql(f"select * from {table}"))
    assert CANARY not in dump


@pytest.mark.parametrize("theme", [CLASSIC, BLOCK])
def test_whoever_may_read_gets_the_whole_text(gated: Filled, theme: str) -> None:
    gated.wordpress.switch_theme(theme)
    page = gated.wordpress.get("/2026/classic/", user="bo").text
    assert page.count(BY_KEY["classic"].canary) >= 8
    page = gated.wordpress.get("/2026/members/", user="ann").text
    assert page.count(BY_KEY["members"].canary) >= 8
    page = gated.wordpress.get("/2026/moretag/", user="admin").text
    assert page.count(BY_KEY["moretag"].canary) >= 8


def test_editors_get_the_whole_text_to_edit(gated: Filled) -> None:
    for key in (*DENIED, *UNPUBLISHED):
        page = gated.wordpress.get(
            f"/wp-admin/post.php?post={gated.ids[key]}&action=edit", user="edit"
        )
        assert BY_KEY[key].canary in page.text, key


def test_with_the_service_away_no_door_gives_a_gated_text(gated: Filled, service: Served) -> None:
    service.process.kill()
    service.process.wait()
    try:
        leaks = _leaks(gated, ["anonymous", "reader"], DENIED[:1], [*BRIEF, *LISTS])
    finally:
        service.start()
        service.wait_until_ready()
    assert not leaks, _shown(leaks)


def test_before_it_is_connected_no_door_gives_a_gated_text(
    new_wordpress: Callable[[], WordPress], service: Served
) -> None:
    made = new_wordpress()
    made.activate()
    leaks = _leaks(_fill(made), ["anonymous"], DENIED[:1], [*BRIEF, *LISTS])
    assert not leaks, _shown(leaks)
    connect(made, service)
