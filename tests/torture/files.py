"""Faults of SQLite: its files at any moment and after each kill, a second service and writer."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

from paywall.settings import Settings
from tests.processes import command
from tests.torture.faults import AFTER_A_DATABASE_SECONDS, Fault, worker_frozen, worker_killed
from tests.torture.journal import Journal
from tests.torture.machine import Machine
from tests.torture.verify import run_audits

SOUND = "SQLite's files are sound and have what was acknowledged"
ONE = "a second service on one SQLite file is refused"
FILES = ("", "-wal")
LOCKED_OUT_SECONDS = 20

Acknowledged = dict[int, tuple[str, str]]


def sqlite_faults(journal: Journal) -> Sequence[Fault]:
    @contextmanager
    def killed(it: Machine, chance: Random) -> Iterator[None]:
        """The files are copied as the kill left them, and looked at while the load goes on."""
        before = dict(journal.unlocks)
        with worker_killed(it, chance, lambda: _copy_files(it)):
            yield
        _check_copy(it, before, journal)

    @contextmanager
    def copied(it: Machine, chance: Random) -> Iterator[None]:
        """As a snapshot of the disk takes them: the service stands still meanwhile."""
        before = dict(journal.unlocks)
        with worker_frozen(it, chance):
            _copy_files(it)
        yield
        _check_copy(it, before, journal)

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
        with closing(sqlite3.connect(_database(it), timeout=LOCKED_OUT_SECONDS)) as other:
            other.isolation_level = None
            other.execute("begin immediate")
            yield
            other.execute("rollback")

    return [
        Fault("killed, and the files looked at", killed, weight=12),
        Fault("files copied", copied, weight=3),
        Fault("a second service", second),
        Fault("the file locked by another", locked, AFTER_A_DATABASE_SECONDS),
    ]


def _database(it: Machine) -> Path:
    return Path(it.settings.database.removeprefix("sqlite:///"))


def _copy(it: Machine) -> Path:
    return it.folder / "copy" / "paywall.sqlite3"


def _copy_files(it: Machine) -> None:
    _copy(it).parent.mkdir()
    for suffix in FILES:
        source = Path(f"{_database(it)}{suffix}")
        if source.exists():
            shutil.copy(source, f"{_copy(it)}{suffix}")


def _check_copy(it: Machine, acknowledged: Acknowledged, journal: Journal) -> None:
    """`integrity_check`, both audits, and all that was acknowledged before it was made."""
    copy = _copy(it)
    settings = Settings(database_url=f"sqlite:///{copy}", data_dir=it.settings.data_dir)
    asyncio.run(run_audits(settings, journal))
    with closing(sqlite3.connect(copy)) as opened:
        (sound,) = opened.execute("pragma integrity_check").fetchone()
        rows = opened.execute('select id, reader_id, article_id from "unlock"').fetchall()
    stored = {id_: (reader, article) for id_, reader, article in rows}
    journal.check(SOUND, sound == "ok", sound)
    journal.check_none(SOUND, acknowledged.items() - stored.items())
    shutil.rmtree(copy.parent)
