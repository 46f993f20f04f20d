"""Progress and error reports of imports."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import click

from paywall.database.engine import Database
from paywall.database.opening import open_database
from paywall.settings import Settings

T = TypeVar("T")


class BadItem(NamedTuple):
    """An item that could not be imported: where it is, what is wrong, and how to fix it."""

    line: int
    # The item or field in the line, such as `post 104` or `amount`; may be empty.
    place: str
    what: str


class Progress(NamedTuple):
    """Callbacks of a running import."""

    bad: Callable[[BadItem], None]
    read: Callable[[int], None]


def on_terminal(file_name: str, unit: str, between_lines: int) -> Progress:
    """Print each bad item, and regularly the number of `unit` read, to standard error."""

    def bad(bad: BadItem) -> None:
        place = f"{bad.place}: " if bad.place else ""
        click.echo(f"{file_name}:{bad.line}: {place}{bad.what}", err=True)

    def read(number: int) -> None:
        if number % between_lines == 0 or (number == 1 and sys.stderr.isatty()):
            click.echo(f"{number} {unit} read", err=True)

    return Progress(bad, read)


def with_database(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run an import on the migrated database."""

    async def run() -> T:
        async with open_database(settings) as database:
            return await work(database)

    return asyncio.run(run())
