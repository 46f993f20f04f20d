"""Runs the newspaper as a server in a thread beside the service."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from litestar.types import ASGIApp

from paywall.server.connection_limits import IDLE_SECONDS
from paywall.server.serve import CannotServe

STOP_WITHIN_SECONDS = 5


def listening(host: str, port: int, variable: str = "SITE_PORT") -> socket.socket:
    """A listening socket.

    Raises CannotServe where the port is in use; `variable` of the Makefile sets it.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise CannotServe(
            f"Cannot listen on {host}, port {port}: {error.strerror}."
            f" Stop what is using it, or choose another: {variable}={port + 1000} make run."
        ) from error


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


@contextmanager
def served(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve on this socket inside the context."""
    config = uvicorn.Config(
        app,
        ws="none",
        access_log=False,
        log_config=None,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
