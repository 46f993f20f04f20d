"""The body of `paywall audit`."""

from pathlib import Path
from typing import NamedTuple

from sqlmodel import SQLModel, func, select

from paywall.database import Database
from paywall.settings import Settings
from paywall.subscribers.audit import Finding, audit
from paywall.tables import CreditGrant, LedgerEntry, Unlock


class Proof(NamedTuple):
    """What was looked through, and every promise that does not hold for it."""

    findings: list[Finding]
    grants: int
    entries: int
    unlocks: int


class NoDatabase(Exception):  # noqa: N818 (a state of things, told to a person)
    """There is nothing to read; the text says what to do."""


async def proved(settings: Settings) -> Proof:
    """Audit the whole database in one snapshot, beside a running service.

    Raises NoDatabase where SQLite's file was never made.
    """
    require_file(settings)
    database = Database(settings, for_writing=False)
    try:
        async with database.reading() as session:
            findings = await audit(session)

            async def number(table: type[SQLModel]) -> int:
                return (await session.exec(select(func.count()).select_from(table))).one()

            return Proof(
                findings, await number(CreditGrant), await number(LedgerEntry), await number(Unlock)
            )
    finally:
        await database.close()


def require_file(settings: Settings) -> None:
    """Raises NoDatabase where SQLite's file was never made."""
    path = Path(settings.database.removeprefix("sqlite:///"))
    if settings.is_sqlite and not path.exists():
        raise NoDatabase(f"There is no database in {path} yet: `paywall serve` makes it.")
