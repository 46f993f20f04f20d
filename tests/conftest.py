"""What every test can ask for: a real database of each kind, a clock to set, the service."""

import asyncio
import functools
import gc
import inspect
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import hypothesis
import pytest
from litestar import Litestar
from litestar.types import ASGIApp

from paywall import app as application
from paywall.app import Service, create_app
from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.http.edge import Edge
from paywall.settings import Settings
from paywall.tokens.mint import mint_reader, mint_site
from paywall.tokens.verify import Verifier
from tests.contract.promise import PROMISE
from tests.postgres import psql, running_postgres
from tests.router import give_back, lend, router_of

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
# A busy machine is no reason for a test to fail; the deadline has tests of its own.
PATIENT_SECONDS = 30
LONG_RUNS = {"STRIPE_HISTORIES", "PREPAID_HISTORIES", "BAKONG_HISTORIES", "HYPOTHESIS_PROFILE"}
IS_LONG = LONG_RUNS & set(os.environ)
# A test that waits for what never comes fails, and says where. pyproject ends all others.
ENDED_AFTER_SECONDS = None if IS_LONG else 300
MEMORY = Path("/dev/shm")  # noqa: S108 (tempfile makes our folders in it, each for us alone)
MEMORY_FREE_MIN_BYTES = 4 * 2**30
# What these folders ask is answered before a database is, or by plain statements that others send
# too: once both databases have been tried on one Python, SQLite does for the others.
ABOUT_NO_DATABASE = {
    "articles", "catalogue", "contract", "http", "imports", "stripe", "tokens", "web"
}  # fmt: skip
_numbers = itertools.count(1)


class SetClock(Clock):
    """A clock that stands still until the test moves it."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def measured(self, received: datetime, asked: float, answered: float) -> None:
        """The test tells the time, not the database."""

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


def pytest_configure() -> None:
    """Where it may, keep all files of tests in memory: most of a test's time was waiting for disks.

    Everything is synced as on a disk, and a process that is killed loses as much or as little.
    """
    fits = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_FREE_MIN_BYTES
    if fits and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
    # Each HTTP client would read all certificates of the machine. Tests ask this machine alone.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
    application.make_router = lend


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that no worker is left alone with one at the end."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.obj = _ended(item.obj)
        if item.path.parent.name in ABOUT_NO_DATABASE and "postgresql" in item.name:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What is there by now stays, so that the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def _ended(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def ended(**fixtures: object) -> None:
        async with asyncio.timeout(ENDED_AFTER_SECONDS):
            await test(**fixtures)

    return ended


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


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "paywall.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The address of a migrated database that nobody is connected to, to be copied."""
    psql(f"{postgres}/postgres", "create database template_paywall")
    address = f"{postgres}/template_paywall"
    _migrate(address)
    return address


def _migrate(address: str) -> None:
    async def run() -> None:
        database = Database(Settings(database_url=address))
        await migrate(database)
        await database.close()

    asyncio.run(run())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Every test that has to do with a database runs on both kinds."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[str]:
    """The address of a migrated database without a row in it."""
    if database_kind == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "paywall.sqlite3")
        yield f"sqlite:///{tmp_path / 'paywall.sqlite3'}"
        return
    server = request.getfixturevalue("postgres_template").rpartition("/")[0]
    address = _new_postgres_database(server, "template_paywall")
    yield address
    _drop(address)


@pytest.fixture
def empty_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of the same kind that was never migrated."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    address = _new_postgres_database(request.getfixturevalue("postgres"), "template1")
    yield address
    _drop(address)


def _new_postgres_database(server: str, template: str) -> str:
    name = f"t{next(_numbers)}"
    # Through the log, as by default, copying takes three times as long.
    psql(f"{server}/postgres", f"create database {name} template {template} strategy file_copy")
    return f"{server}/{name}"


def _drop(address: str) -> None:
    """What lies in memory goes as soon as it was used."""
    server, _, name = address.rpartition("/")
    psql(f"{server}/postgres", f"drop database if exists {name} with (force)")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url, data_dir=str(tmp_path), request_timeout_seconds=PATIENT_SECONDS
    )


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[None]:
    """Start and stop an application as a server does (the ASGI lifespan protocol)."""
    received: asyncio.Queue[object] = asyncio.Queue()
    answers: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    task = asyncio.ensure_future(app(scope, received.get, answers.put))  # type: ignore[arg-type]  # a server's own, looser types
    await received.put({"type": "lifespan.startup"})
    started = await answers.get()
    assert started["type"] == "lifespan.startup.complete", started
    try:
        yield
    finally:
        await received.put({"type": "lifespan.shutdown"})
        await task
        if isinstance(app, Service):
            give_back(app)


@pytest.fixture
async def edge(settings: Settings, clock: SetClock) -> AsyncIterator[Edge]:
    """The running application itself."""
    app = create_app(settings, clock)
    async with running(app):
        yield app


@pytest.fixture
async def service(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    """The running service, asked over HTTP as a site asks it; each answer keeps the contract."""
    transport = httpx.ASGITransport(edge)  # type: ignore[arg-type]  # httpx has looser types of its own
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://paywall.test",
        event_hooks={"response": [PROMISE.see]},
    ) as client:
        yield client


@pytest.fixture
async def _lone_database(settings: Settings, clock: SetClock) -> AsyncIterator[Database]:
    database = Database(settings, clock)
    yield database
    await database.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, settings: Settings) -> Database:
    """The store; beside `service` the service's own, since a SQLite file has one writer alone."""
    del settings  # asked for so that pytest sees that there is one test a kind of database
    if "edge" not in request.fixturenames:
        lone: Database = request.getfixturevalue("_lone_database")
        return lone
    app = router_of(request.getfixturevalue("edge"))
    assert isinstance(app, Litestar)
    shared: Database = app.state.database
    return shared


hypothesis.settings.register_profile(
    "ci", max_examples=50, stateful_step_count=30, deadline=None, derandomize=True
)
# HYPOTHESIS_PROFILE=long make test TESTS="tests/histories --hypothesis-seed=1"
hypothesis.settings.register_profile(
    "long", max_examples=1000, stateful_step_count=15, deadline=None, database=None
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


class Bearer:
    """Makes the headers of one caller: `bearer.site("admin")`, `bearer.reader("ann")`."""

    def __init__(self, app: Litestar, clock: SetClock) -> None:
        self.verifier: Verifier = app.state.verifier
        self.clock = clock
        self._sites: dict[tuple[str, str, datetime], dict[str, str]] = {}

    def site(self, scopes: str = "admin", subject: str = "site") -> dict[str, str]:
        """The same token as long as the clock stands still, as a site keeps its one."""
        now = self.clock.now()
        if (scopes, subject, now) not in self._sites:
            self._sites[scopes, subject, now] = self._site(scopes, subject, now)
        return self._sites[scopes, subject, now]

    def _site(self, scopes: str, subject: str, now: datetime) -> dict[str, str]:
        minted = mint_site(
            self.verifier.keyring.newest(now),
            subject=subject,
            scopes=frozenset(scopes.split()),
            lifetime_seconds=86_400,
            now=now,
        )
        return {"Authorization": f"Bearer {minted.token}"}

    def reader(self, reader_id: str) -> dict[str, str]:
        now = self.clock.now()
        minted = mint_reader(
            self.verifier.keyring.newest(now), reader_id=reader_id, lifetime_seconds=900, now=now
        )
        return {"Authorization": f"Bearer {minted.token}"}


@pytest.fixture
def bearer(edge: Edge, clock: SetClock) -> Bearer:
    app = router_of(edge)
    assert isinstance(app, Litestar)
    return Bearer(app, clock)
