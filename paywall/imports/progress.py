"""What every import shares: it says how far it is, and names each bad item with its place."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import click

from paywall.database.engine import Database
from paywall.database.opening import open_database
from paywall.settings import Settings

T = TypeVar("T")

FOUND_SOMETHING = 1


class Bad(NamedTuple):
    """What could not be imported: where it is, what is wrong, how to mend it."""

    line: int
    # What it is within the line, such as `post 104` or `amount`; may be empty.
    place: str
    what: str


class Progress(NamedTuple):
    """Who is told while an import runs."""

    bad: Callable[[Bad], None]
    read: Callable[[int], None]


def on_terminal(file_name: str, unit: str, between_lines: int) -> Progress:
    """Tell the operator, on standard error: each bad item, and how many `unit` were read."""

    def bad(bad: Bad) -> None:
        place = f"{bad.place}: " if bad.place else ""
        click.echo(f"{file_name}:{bad.line}: {place}{bad.what}", err=True)

    def read(number: int) -> None:
        if number % between_lines == 0 or (number == 1 and sys.stderr.isatty()):
            click.echo(f"{number} {unit} read", err=True)

    return Progress(bad, read)


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Do a command's work on the migrated store, with the database's clock."""

    async def run() -> T:
        async with open_database(settings) as database:
            return await work(database)

    return asyncio.run(run())
