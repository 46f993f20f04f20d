"""A folder with an old site's data, as the WordPress plug-in and the documented SQL write it."""

import csv
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

EXPORTED_AT = datetime(2026, 11, 1, tzinfo=UTC)
Rows = Iterable[tuple[object, str, str]]


def write_folder(
    folder: Path,
    users: Rows,
    *,
    posts: Rows = (),
    terms: Rows = (),
    profiles: Iterable[tuple[str, str]] = (),
    **settings: object,
) -> Path:
    folder.mkdir(exist_ok=True)
    for name, id_, rows in (
        ("users.csv", "user_id", users),
        ("posts.csv", "post_id", posts),
        ("terms.csv", "term_id", terms),
    ):
        write_rows(folder / name, [(id_, "meta_key", "meta_value"), *rows])
    write_rows(folder / "getpaid.csv", [("id", "profile_id"), *profiles])
    usual = {"plugin": "penci", "table_prefix": "wp_", "exported_at": EXPORTED_AT.isoformat()}
    (folder / "settings.json").write_text(json.dumps(usual | settings), encoding="utf-8")
    return folder


def write_rows(path: Path, rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
