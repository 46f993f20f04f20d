"""Readers of Penci and JNews move over by the plug-in's page."""

import html
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from paywall.http.bodies import ARTICLE_BYTES_MAX
from tests.imports.wordpress.generated import Expected, Row, generate
from tests.imports.wordpress.test_many_readers import with_something
from tests.journeys import browser as machine
from tests.processes import Served, command, environment
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.site import WordPress
from tests.sites.wordpress.test_moving_over import block, client

Json = dict[str, Any]
READERS = int(os.environ.get("MIGRATION_READERS", "300"))
PAGE = "/wp-admin/tools.php?page=paywall-move-over"
NONCE = re.compile(r'paywallMigration = {"nonce":"(\w+)"')
FORM_NONCE = re.compile(r'name="_wpnonce" value="(\w+)"')
# The users of a new WordPress have no data of the old plug-in.
FIRST_ID = 1000
PARTS_MAX = 1000


def quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def fill(site: WordPress, rows: list[Row], readers: int) -> None:
    """Users with the rows of an old plug-in, and a premium post with a preview of its own."""
    ids = range(1, readers + 1)
    users = [f"({FIRST_ID + n}, 'reader{n}', 'reader{n}', 'r{n}@example.org')" for n in ids]
    metas = [
        f"({FIRST_ID + int(str(user_id))}, {quoted(key)}, {quoted(value)})"
        for user_id, key, value in rows
    ]
    for start in range(0, len(users), 2000):
        part = ",".join(users[start : start + 2000])
        site.sql(f"insert into wp_users (ID, user_login, user_nicename, user_email) values {part};")
    for start in range(0, len(metas), 2000):
        part = ",".join(metas[start : start + 2000])
        site.sql(f"insert into wp_usermeta (user_id, meta_key, meta_value) values {part};")


class MovePage:
    """Presses the buttons of the page, as its script does."""

    def __init__(self, site: WordPress) -> None:
        self.site = site

    def text(self) -> str:
        return html.unescape(self.site.get(PAGE, user="admin").text)

    def nonce(self) -> str:
        found = NONCE.search(self.site.get(PAGE, user="admin").text)
        assert found
        return found[1]

    def press(self, kind: str, nonce: str, user: str = "admin") -> httpx.Response:
        return self.site.request(
            "POST", "/wp-admin/admin-ajax.php", user=user,
            data={"action": "paywall_migrate", "kind": kind, "_ajax_nonce": nonce},
        )  # fmt: skip

    def parts(self, kind: str, limit: int = PARTS_MAX) -> list[Json]:
        """The answers up to the end of the run, or as many of them."""
        nonce = self.nonce()
        answers: list[Json] = []
        while len(answers) < limit:
            answer = self.press(kind, nonce)
            assert answer.status_code == httpx.codes.OK, answer.text
            answers.append(answer.json()["data"])
            assert answers[-1]["error"] == ""
            if answers[-1]["state"]["phase"] == "done":
                break
        return answers

    def folder(self) -> bytes:
        page = self.site.get(PAGE, user="admin").text
        found = FORM_NONCE.search(page[page.index("paywall_migration_folder") :])
        assert found
        answer = self.site.request(
            "POST", "/wp-admin/admin-post.php", user="admin",
            data={"action": "paywall_migration_folder", "_wpnonce": found[1]},
        )  # fmt: skip
        assert answer.headers["content-type"] == "application/zip", answer.text
        return answer.content


def state_of(path: Path) -> dict[str, Expected]:
    """What every reader has in a database of the service."""
    found: dict[str, Expected] = {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        for reader, remaining in database.execute("select reader_id, remaining from credit_grant"):
            found.setdefault(reader, Expected()).credits += remaining
        for reader, article in database.execute("select reader_id, article_id from unlock"):
            found.setdefault(reader, Expected()).posts.add(article)
        for reader, until in database.execute("select reader_id, paid_through from subscription"):
            found.setdefault(reader, Expected()).until = until
    return found


def comparable(readers: dict[str, Expected]) -> dict[str, tuple[int, set[str], str]]:
    return {
        reader: (has.credits, has.posts, str(has.until or "").replace("+00:00", "")[:19])
        for reader, has in readers.items()
    }


def shifted(expected: dict[str, Expected]) -> dict[str, Expected]:
    return {str(FIRST_ID + int(reader)): has for reader, has in with_something(expected).items()}


@pytest.fixture(scope="module")
def generated() -> tuple[list[Row], dict[str, Expected]]:
    return generate(7, READERS)


def test_readers_move_over_killed_and_resumed_and_only_once(
    wordpress: WordPress, service: Served, generated: tuple[list[Row], dict[str, Expected]],
    tmp_path: Path,
) -> None:  # fmt: skip
    rows, expected = generated
    fill(wordpress, rows, READERS)
    page = MovePage(wordpress)
    assert f"Penci Paywall: {READERS}" in page.text()
    assert page.press("import", page.nonce()).status_code == httpx.codes.BAD_REQUEST
    began = time.monotonic()
    dry = page.parts("dry_run")
    tried = time.monotonic()
    database = next(service.folder.rglob("*.sqlite3"))
    assert state_of(database) == {}
    assert len([row for part in dry for row in part["readers"]]) == READERS

    page.parts("import", limit=3)
    wordpress.kill()
    wordpress.start()
    rest = page.parts("import")
    sys.stderr.write(f"dry run {tried - began:.1f} s, import {time.monotonic() - tried:.1f} s\n")
    assert rest[-1]["state"]["done"] == rest[-1]["state"]["total"]
    moved = comparable(state_of(database))
    assert moved == comparable(shifted(expected))
    page.parts("import")
    assert comparable(state_of(database)) == moved

    zipfile.ZipFile(io.BytesIO(page.folder())).extractall(tmp_path)
    other = environment(database_url=f"sqlite:///{tmp_path}/other.sqlite3", data_dir=str(tmp_path))
    done = command("migrate", folder=tmp_path, environment=other)
    assert done.returncode == 0, done.stderr
    done = command("import", "wordpress", "export", folder=tmp_path, environment=other)
    assert done.returncode == 1, done.stderr
    assert comparable(state_of(tmp_path / "other.sqlite3")) == moved
    assert wordpress.complaints() == []


OF_ANN = {
    "wp_pencipw_unlock_remaining": "4",
    "wp_pencipw_unlocked_post_list": "a:1:{i:0;i:1;}",
    "wp_pencipw_subscribe_status": "",
    "wp_pencipw_stripe_subs_id": "41",
}
CANARY = "the fishers count at dawn"
PREMIUM = """
wp_set_current_user( 1 );
$id = wp_insert_post( array( 'post_title' => 'P', 'post_status' => 'publish',
    'post_content' => '<p>One.</p><p>Two.</p><p>' . $argv[1] . '</p>' ) );
update_post_meta( $id, 'pencipw_enable_premium_post', 'enable' );
$own = wp_insert_post( array( 'post_title' => 'Q', 'post_status' => 'publish' ) );
update_post_meta( $own, 'pencipw_enable_premium_post', 'enable' );
update_post_meta( $own, '_paywall_policy', 'subscribers' );
echo json_encode( array( $id, $own ) );
"""
POLICIES = """
$of = fn( $id ) => Paywall\\Policy\\of( (int) $id )['policy'];
echo json_encode( array_map( $of, array_slice( $argv, 1 ) ) );
"""
OPTIONS = """
$of = fn( $name ) => get_user_option( $argv[2] . $name, (int) $argv[1] );
echo json_encode( array( $of( 'unlock_remaining' ), $of( 'unlocked_post_list' ) ) );
"""


@pytest.fixture
def old_site(
    new_wordpress: Callable[[], WordPress], service: Served, request: pytest.FixtureRequest
) -> WordPress:
    """Another site with ids of its own at the service."""
    made = new_wordpress()
    prefix = f"{request.node.name[:40]}-"
    connect(made, service, PAYWALL_READER_PREFIX=prefix, PAYWALL_ARTICLE_PREFIX=prefix)
    made.activate()
    return made


def fill_ann(site: WordPress) -> int:
    user_id = site.user_id("ann")
    values = ",".join(f"({user_id}, '{key}', '{value}')" for key, value in OF_ANN.items())
    site.sql(f"insert into wp_usermeta (user_id, meta_key, meta_value) values {values};")
    return user_id


def test_jnews_readers_move_over_as_the_oracle_expects(
    old_site: WordPress, service: Served, request: pytest.FixtureRequest
) -> None:
    rows, expected = generate(9, READERS)
    swap = {"pencipw_": "jpw_", "jpw_": "pencipw_"}
    fill(
        old_site,
        [(id_, re.sub("pencipw_|jpw_", lambda found: swap[found[0]], key), value)
         for id_, key, value in rows],
        READERS,
    )  # fmt: skip
    page = MovePage(old_site)
    assert f"JNews Paywall: {READERS}" in page.text()
    page.parts("dry_run")
    assert page.parts("import")[-1]["state"]["plugin"] == "jnews"
    prefix = f"{request.node.name[:40]}-"
    for has in expected.values():
        # JNews ends access an hour after the date.
        has.until = has.until and has.until + timedelta(hours=1)
        has.posts = {f"{prefix}{post}" for post in has.posts}
    database = next(service.folder.rglob("*.sqlite3"))
    moved = {
        reader.removeprefix(prefix): has
        for reader, has in comparable(state_of(database)).items()
        if reader.startswith(prefix)
    }
    assert moved == comparable(shifted(expected))
    assert old_site.complaints() == []


def test_the_import_closes_premium_posts_in_wordpress(old_site: WordPress) -> None:
    post_id, own = json.loads(old_site.php(PREMIUM, CANARY))
    page = MovePage(old_site)
    page.parts("dry_run")
    assert json.loads(old_site.php(POLICIES, str(post_id), str(own))) == ["free", "subscribers"]
    page.parts("import")
    assert json.loads(old_site.php(POLICIES, str(post_id), str(own))) == ["premium", "subscribers"]
    assert CANARY not in old_site.get(f"/?p={post_id}", follow_redirects=True).text
    assert not old_site.sql(f"select ID from wp_posts where post_content like '%{CANARY}%';")
    assert old_site.complaints() == []


def test_only_a_manager_with_the_nonce_moves_or_downloads(old_site: WordPress) -> None:
    fill_ann(old_site)
    page = MovePage(old_site)
    nonce = page.nonce()
    assert page.press("dry_run", "0123456789").status_code == httpx.codes.FORBIDDEN
    for user in ("edit", "author", "ann"):
        assert page.press("dry_run", nonce, user=user).status_code == httpx.codes.FORBIDDEN
        assert old_site.get(PAGE, user=user).status_code == httpx.codes.FORBIDDEN
        answer = old_site.request(
            "POST", "/wp-admin/admin-post.php", user=user,
            data={"action": "paywall_migration_folder", "_wpnonce": "0"},
        )  # fmt: skip
        assert answer.status_code == httpx.codes.FORBIDDEN
    assert old_site.sql("select * from wp_options where option_name = 'paywall_migration';") == []


def test_a_token_without_admin_is_named_with_its_fix(old_site: WordPress, service: Served) -> None:
    fill_ann(old_site)
    connect(old_site, service, PAYWALL_SITE_TOKEN=service.site_token("access:check"))
    page = MovePage(old_site)
    part = page.press("dry_run", page.nonce()).json()["data"]
    assert "scope “admin”" in part["error"]
    assert part["state"]["after"] == 0


def test_a_user_whom_no_request_can_hold_is_listed_and_passed(old_site: WordPress) -> None:
    last = fill_ann(old_site)
    elements = "i:0;i:1;" * (ARTICLE_BYTES_MAX // 8)
    old_site.sql(
        "insert into wp_usermeta (user_id, meta_key, meta_value) values"
        f" ({last - 1}, 'wp_pencipw_unlocked_post_list', '{elements}');"
    )
    parts = MovePage(old_site).parts("dry_run")
    rows = [row for part in parts for row in part["readers"]]
    assert [(row["is_to_do"], row["cells"][0]) for row in rows] == [
        (True, str(last - 1)), (True, f"User {last}"),
    ]  # fmt: skip
    assert "by the command line" in rows[0]["cells"][3]


def test_the_folder_leaves_no_file_behind(old_site: WordPress) -> None:
    fill_ann(old_site)
    names = zipfile.ZipFile(io.BytesIO(MovePage(old_site).folder())).namelist()
    assert "export/users.csv" in names
    assert list(old_site.temporary.iterdir()) == []


def test_the_way_back_restores_what_readers_have_now(
    old_site: WordPress, service: Served, tmp_path: Path
) -> None:
    user_id = fill_ann(old_site)
    page = MovePage(old_site)
    page.parts("dry_run")
    page.parts("import")
    zipfile.ZipFile(io.BytesIO(page.folder())).extractall(tmp_path)
    old_site.sql(f"delete from wp_usermeta where user_id = {user_id} and meta_key like '%list';")
    done = command("export", "--wordpress", str(tmp_path / "export"), folder=service.folder,
                   environment=service.environment)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (tmp_path / "back.csv").write_bytes(done.stdout.replace("\n", "\r\n").encode())
    subprocess.run(
        [*client(old_site).split(), "--default-character-set=utf8mb4", old_site.database],
        input=block("back"), text=True, cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(old_site.php(OPTIONS, str(user_id), "pencipw_")) == ["4", [1]]


def test_the_buttons_run_the_import_in_a_browser(old_site: WordPress) -> None:
    fill_ann(old_site)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=machine.find(), args=machine.ARGUMENTS)
        context = browser.new_context(locale="en")
        context.add_cookies(
            [{"name": name, "value": value, "url": old_site.url}
             for name, value in old_site.cookies("admin").items()]
        )  # fmt: skip
        tab = context.new_page()
        tab.goto(f"{old_site.url}{PAGE}")
        output = tab.locator("#paywall-migration-state output")
        second = tab.get_by_role("button", name="2. Import")
        expect(second).to_be_disabled()
        tab.get_by_role("button", name="1. Dry run").click()
        expect(output).to_contain_text("Done.")
        second.click()
        expect(output).to_contain_text("Done.")
        expect(second).to_be_enabled()
        row = tab.locator("#paywall-migration-rows tr").first
        expect(row).to_contain_text("TO DO")
        expect(row).to_contain_text("STRIPE GOES ON CHARGING")
        expect(row).to_contain_text("credits: 4, unlocked posts: 1")
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download this table as CSV").click()
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
        browser.close()
    assert f"User {old_site.user_id('ann')}" in text
