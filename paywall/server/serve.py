"""`paywall serve`: the service as processes, their socket, and their metrics in one place."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import click
import uvicorn

from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.migrations import migrate, pending
from paywall.private_files import make_private_folder
from paywall.server.connection import Connection
from paywall.server.connection_limits import IDLE_SECONDS, raise_open_files
from paywall.server.graceful_server import BACKLOG, Server
from paywall.server.metrics import counted_together, exposed
from paywall.server.supervisor import Supervisor
from paywall.settings import Settings
from paywall.telemetry import LOGGING
from paywall.tokens.verify import Verifier

STOP_WITHIN_SECONDS = 15


class CannotServe(Exception):  # noqa: N818 (a state of things, told to a person)
    """Why the service does not start; the text says what to do."""


def say_how_to_go_on(address: str, settings: Settings) -> None:
    """Tell on standard error where it listens, and what comes next."""
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    click.echo(f"Listening on {address}, on {kind}. Ctrl-C stops it.", err=True)
    click.echo(
        'Next: `paywall token site --scope "access:check"` mints a token for the site.', err=True
    )


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    say: Callable[[str, Settings], None] = say_how_to_go_on,
) -> None:
    """Serve until SIGTERM or SIGINT; `say` gets the address once it is this service's.

    Raises CannotServe, SettingsError or DatabaseInUse.
    """
    if settings.is_sqlite and workers > 1:
        raise CannotServe(
            f"SQLite takes one worker, not {workers}: leave --workers out, or use PostgreSQL"
            " (database_url = postgresql://…), which takes any number."
        )
    raise_open_files()
    make_folder(settings)
    asyncio.run(_prepare(settings))
    config = server_config("paywall.app:application", workers=workers, http=Connection)
    with (
        _listening(host, port) as listener,
        counted_together(workers) as shared,
        _metrics(settings, shared),
    ):
        say(_address(listener), settings)
        if shared is None:
            _run_alone(config, listener)
        else:
            _run_workers(config, listener, shared)
    click.echo("Stopped.", err=True)


def make_folder(settings: Settings) -> None:
    """Make the data_dir, for this user alone; raises CannotServe where it cannot be had."""
    try:
        make_private_folder(settings.data_path)
    except OSError as error:
        raise CannotServe(
            f"Cannot make the folder {settings.data_path}: {error.strerror}. Mend data_dir."
        ) from error


async def _prepare(settings: Settings) -> None:
    """Refuse here what would otherwise end each worker, with a stack trace in the log.

    SQLite is migrated by itself; on PostgreSQL a person chooses the moment.
    """
    clock = Clock()
    verifier = Verifier(settings, clock)
    verifier.keyring.newest(clock.now())
    await verifier.close()
    database = Database(settings)
    try:
        if settings.is_sqlite:
            await migrate(database)
        elif missing := await pending(database):
            raise CannotServe(
                f"The database lacks the migrations {', '.join(missing)}:"
                " run `paywall migrate` first."
            )
    finally:
        await database.close()


def server_config(
    application: str, *, workers: int, http: type[asyncio.Protocol]
) -> uvicorn.Config:
    """How an application is served: `application` is `module:function`, which makes it."""
    return uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=LOGGING,
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
            stack.enter_context(exposed(host, port, shared))
        except OSError as error:
            raise CannotServe(
                f"Cannot show metrics on {host}, port {port}: {error.strerror}."
                " Stop what is using it, or mend metrics_host and metrics_port."
            ) from error
        yield


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _run_alone(config: uvicorn.Config, listener: socket.socket) -> None:
    server = Server(config)
    # The server raises the signal again when it has stopped; it must not end this process then,
    # whose exit status tells that all went well.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    try:
        server.run(sockets=[listener])
    except SystemExit as ended:
        raise CannotServe("The service did not start; the log above says why.") from ended


def _run_workers(config: uvicorn.Config, listener: socket.socket, shared: str) -> None:
    # Each worker counts into files of its own in this folder.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
    supervisor = Supervisor(config, listener)
    supervisor.run()
    if supervisor.has_failed:
        raise CannotServe("A worker did not start; the log above says why.")
