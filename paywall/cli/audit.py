"""The body of `paywall audit`."""

from typing import NamedTuple

from sqlmodel import SQLModel, func, select

from paywall.database.opening import open_database
from paywall.database.tables import CreditGrant, LedgerEntry, Unlock
from paywall.settings import Settings
from paywall.subscribers.audit import Violation, audit


class AuditReport(NamedTuple):
    """What was looked through, and every promise that does not hold for it."""

    findings: list[Violation]
    grants: int
    entries: int
    unlocks: int


async def run_audit(settings: Settings) -> AuditReport:
    """Audit the whole database in one snapshot, beside a running service.

    Raises NotMigratedError.
    """
    async with (
        open_database(settings, for_writing=False) as database,
        database.reading() as session,
    ):
        findings = await audit(session)

        async def number(table: type[SQLModel]) -> int:
            return (await session.exec(select(func.count()).select_from(table))).one()

        return AuditReport(
            findings, await number(CreditGrant), await number(LedgerEntry), await number(Unlock)
        )
