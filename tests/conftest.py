"""What every test can ask for: a real database of each kind, a clock to set, the service."""

import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.types import ASGIApp

from paywall.app import create_app
from paywall.clock import Clock
from paywall.database import Database
from paywall.settings import Settings
from tests.postgres import psql, running_postgres

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


class SetClock(Clock):
    """A clock that stands still until the test moves it."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def measured(self, told: datetime, asked: float, answered: float) -> None:
        """The test tells the time, not the database."""

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with running_postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty, migrated database; every test with it runs on both kinds."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "paywall.sqlite3")
        return f"sqlite:///{tmp_path / 'paywall.sqlite3'}"
    address: str = request.getfixturevalue("postgres_template")
    server = address.rpartition("/")[0]
    name = f"t{next(_numbers)}"
    psql(f"{server}/postgres", f"create database {name} template template_paywall")
    return f"{server}/{name}"
