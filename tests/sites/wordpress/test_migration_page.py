"""Readers of Penci and JNews move over by the plug-in's page."""

import html
import io
import os
import re
import sqlite3
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.imports.wordpress.generated import Expected, Row, generate
from tests.imports.wordpress.test_many_readers import with_something
from tests.processes import Served, command, environment
from tests.sites.wordpress.site import WordPress

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
