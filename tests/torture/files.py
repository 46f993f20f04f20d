"""Faults of SQLite: copies of its files at any moment, a second service, a second writer."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

from tests.processes import command
from tests.torture.faults import Fault, worker_frozen, worker_killed
from tests.torture.journal import Journal
from tests.torture.machine import Machine

SOUND = "every copy of SQLite's files is sound and has what was acknowledged"
ONE = "a second service on one SQLite file is refused"
FILES = ("", "-wal")


def sqlite_faults(journal: Journal) -> Sequence[Fault]:
    @contextmanager
    def copied(it: Machine, chance: Random) -> Iterator[None]:
        """As a snapshot of the disk takes them: the service stands still meanwhile."""
        before = dict(journal.unlocks)
        copy = it.folder / "copy" / "paywall.sqlite3"
        copy.parent.mkdir()
        with worker_frozen(it, chance):
            for suffix in FILES:
                source = Path(f"{it.disk / 'paywall.sqlite3'}{suffix}")
                if source.exists():
                    shutil.copy(source, f"{copy}{suffix}")
        yield
        check_copy(it, copy, before, journal)
        shutil.rmtree(copy.parent)

    @contextmanager
    def second(it: Machine, chance: Random) -> Iterator[None]:
        del chance
        refused = command("serve", "--port", 0, folder=it.folder, environment=it.environment)
        is_refused = refused.returncode == 2 and "Another process is writing" in refused.stderr
        journal.check(ONE, is_refused, refused.stderr)
        yield

    @contextmanager
    def locked(it: Machine, chance: Random) -> Iterator[None]:
        """Another program writes to the file, and keeps its lock."""
        del chance
        with closing(sqlite3.connect(it.disk / "paywall.sqlite3", isolation_level=None)) as other:
            other.execute("pragma busy_timeout = 20000")
            other.execute("begin immediate")
            yield
            other.execute("rollback")

    return [
        Fault("killed again", worker_killed, weight=12),
        Fault("files copied", copied, weight=3),
        Fault("a second service", second),
        Fault("the file locked by another", locked),
    ]


def check_copy(
    it: Machine, copy: Path, acknowledged: dict[int, tuple[str, str]], journal: Journal
) -> None:
    """`integrity_check`, the audit, and all that was acknowledged before it was made."""
    environment = {**it.environment, "PAYWALL_DATABASE_URL": f"sqlite:///{copy}"}
    audited = command("audit", folder=it.folder, environment=environment)
    journal.check(SOUND, audited.returncode == 0, audited.stdout + audited.stderr)
    with closing(sqlite3.connect(copy)) as opened:
        (sound,) = opened.execute("pragma integrity_check").fetchone()
        journal.check(SOUND, sound == "ok", sound)
        rows = opened.execute("select id, reader_id, article_id from unlock").fetchall()
    stored = {id_: (reader, article) for id_, reader, article in rows}
    journal.check_none(SOUND, acknowledged.items() - stored.items())
