"""`paywall serve`: starts the worker processes, their listening socket and the metrics server."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

import click
import uvicorn

from paywall.clock import Clock
from paywall.database.migrations import migrate
from paywall.database.opening import open_database
from paywall.private_files import make_private_folder
from paywall.server.connection import Connection
from paywall.server.connection_limits import IDLE_SECONDS, raise_open_files
from paywall.server.graceful_server import BACKLOG, GracefulServer
from paywall.server.metrics import metrics_folder, metrics_server
from paywall.server.supervisor import Supervisor
from paywall.setting_types import LogLevel
from paywall.settings import Settings
from paywall.telemetry import logger, logging_at, start_logging
from paywall.tokens.verify import Verifier

STOP_WITHIN_SECONDS = 15
# What a site needs to publish articles and to serve them.
SITE_SCOPES = "access:check articles:read articles:write readers:token"


class CannotServe(Exception):  # noqa: N818 (a message for the operator, not a failure)
    """The service cannot start; the text names the reason and what to do."""


def print_next_step(address: str, settings: Settings) -> None:
    """Print to standard error where the service listens, and the next command to run."""
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    print_or_log(f"Listening on {address}, on {kind}. Ctrl-C stops it.")
    print_or_log(
        f'Next: mint a token for the site with `paywall token site --scope "{SITE_SCOPES}"`.'
        " docs/integrate.md shows how to use it."
    )


def print_or_log(sentence: str) -> None:
    """Print a sentence for a person at a terminal; otherwise it is a line of the log."""
    if sys.stderr.isatty():
        click.echo(sentence, err=True)
    else:
        logger.info(sentence)


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    on_listening: Callable[[str, Settings], None] = print_next_step,
) -> None:
    """Serve until SIGTERM or SIGINT; `on_listening` gets the address once the socket is open.

    Raises CannotServe, SettingsError or DatabaseInUse.
    """
    if settings.is_sqlite and workers > 1:
        raise CannotServe(
            f"SQLite takes one worker, not {workers}: leave --workers out, or use PostgreSQL"
            " (database_url = postgresql://…), which takes any number."
        )
    start_logging(settings.log_level)
    raise_open_files()
    make_folder(settings)
    asyncio.run(_prepare(settings))
    config = server_config(
        "paywall.app:application",
        workers=workers,
        http=Connection,
        log_level=settings.log_level,
    )
    with (
        _listening(host, port) as listener,
        metrics_folder(workers) as shared,
        _metrics(settings, shared),
    ):
        on_listening(_address(listener), settings)
        if shared is None:
            _run_alone(config, listener)
        else:
            _run_workers(config, listener, shared)


def make_folder(settings: Settings) -> None:
    """Create the data_dir, readable by this user alone; raises CannotServe on failure."""
    try:
        make_private_folder(settings.data_path)
    except OSError as error:
        raise CannotServe(
            f"Cannot create the folder {settings.data_path}: {error.strerror}. Correct data_dir."
        ) from error


async def _prepare(settings: Settings) -> None:
    """Detect here what would otherwise stop every worker with a stack trace in the log.

    SQLite is migrated automatically. On PostgreSQL the operator chooses when to migrate.
    """
    clock = Clock()
    verifier = Verifier(settings, clock)
    verifier.keyring.newest(clock.now())
    await verifier.close()
    async with open_database(settings, requires_migrations=not settings.is_sqlite) as database:
        if settings.is_sqlite:
            await migrate(database)


def server_config(
    application: str, *, workers: int, http: type[asyncio.Protocol], log_level: LogLevel = "info"
) -> uvicorn.Config:
    """uvicorn's configuration; `application` is the `module:function` that creates the app."""
    return uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=logging_at(log_level),
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
    )


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotServe(
            f"Cannot listen on {host}, port {port}: {error.strerror}."
            " Stop what is using it, or choose another: --host, --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def _metrics(settings: Settings, shared: str | None) -> Iterator[None]:
    if settings.metrics_port is None:
        yield
        return
    host, port = settings.metrics_host, settings.metrics_port
    with ExitStack() as stack:
        try:
            stack.enter_context(metrics_server(host, port, shared))
        except OSError as error:
            raise CannotServe(
                f"Cannot serve metrics on {host}, port {port}: {error.strerror}."
                " Stop what is using it, or change metrics_host and metrics_port."
            ) from error
        yield


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run_alone(config: uvicorn.Config, listener: socket.socket) -> None:
    server = GracefulServer(config)
    # The server raises the signal again after it has stopped. This process must survive that, so
    # that its exit status is 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    signal.signal(signal.SIGHUP, _warn_of_one_worker)
    try:
        server.run(sockets=[listener])
    except SystemExit as ended:
        raise CannotServe("The service did not start; the log above says why.") from ended


def _warn_of_one_worker(_number: int, _frame: FrameType | None) -> None:
    logger.warning("SIGHUP was ignored: it replaces workers one by one, and there is only one")


def _run_workers(config: uvicorn.Config, listener: socket.socket, shared: str) -> None:
    # Each worker writes its metrics to its own files in this folder.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
    supervisor = Supervisor(config, listener)
    supervisor.run()
    if supervisor.has_failed:
        raise CannotServe("A worker did not start; the log above says why.")
