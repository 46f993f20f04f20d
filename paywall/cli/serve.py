"""`paywall serve`."""

import sys

import click

from paywall.cli.errors import CommandError, cli_errors
from paywall.load_settings import load_settings
from paywall.server.serve import print_or_log, serve
from paywall.telemetry import logger, start_logging


@click.command(
    "serve",
    help="""Serve until Ctrl-C or SIGTERM.

    Before it stops, it answers the requests in progress. Without settings, the service uses
    SQLite and its own signing key under var/. For several workers or machines, use PostgreSQL and
    run `paywall migrate` before each new release.

    \b
    Example:
      PAYWALL_DATABASE_URL=postgresql://paywall@db/paywall paywall serve --workers 4
    """,
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 chooses a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of worker processes; more than one needs PostgreSQL.",
)
def serve_command(host: str, port: int, workers: int) -> None:
    try:
        with cli_errors():
            serve(load_settings(), host=host, port=port, workers=workers)
            print_or_log("Stopped.")
    except CommandError as error:
        if sys.stderr.isatty():
            raise
        # Settings that cannot be read do not say at which level to log.
        start_logging("info")
        logger.critical(error.message)
        # Not from the error, or the group of commands would print that again.
        raise click.exceptions.Exit(error.exit_code) from None
