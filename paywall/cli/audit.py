"""`paywall audit`."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import click
from sqlmodel import SQLModel, func, select

from paywall.cli.errors import FOUND_SOMETHING
from paywall.database.opening import open_database
from paywall.database.tables import CreditGrant, LedgerEntry, Unlock
from paywall.load_settings import load_settings
from paywall.settings import Settings
from paywall.subscribers.audit import Violation, audit
from paywall.subscribers.audit_prepaid_facts import count_older_prepaid


class AuditReport(NamedTuple):
    """The number of rows that were checked, and every rule that does not hold for them.

    `older_prepaid` is the number of passes and prepaid periods whose times cannot be checked.
    """

    findings: list[Violation]
    grants: int
    entries: int
    unlocks: int
    older_prepaid: int


@click.command("audit")
def audit_command() -> None:
    """Check that the whole ledger adds up.

    Works while the service runs, and changes nothing. It compares grants with their entries and
    payments, purchases with their refunds, subscriptions with what was paid for them, passes and
    prepaid periods with what else covered their time, and all of these with the totals that were
    counted when they were written. For each rule that does not
    hold it prints at most 20 of the rows that break it.

    Exit status: 0 everything adds up, 1 something does not.
    """
    report = asyncio.run(run_audit(load_settings()))
    for line in report_lines(report):
        click.echo(line)
    if report.findings:
        raise click.exceptions.Exit(FOUND_SOMETHING)


async def run_audit(loaded: Settings) -> AuditReport:
    """Audit the whole database in one snapshot; raises NotMigratedError."""
    async with (
        open_database(loaded, for_writing=False) as database,
        database.reading() as session,
    ):
        findings = await audit(session)

        async def count(table: type[SQLModel]) -> int:
            return (await session.exec(select(func.count()).select_from(table))).one()

        return AuditReport(
            findings,
            await count(CreditGrant),
            await count(LedgerEntry),
            await count(Unlock),
            await count_older_prepaid(await session.connection()),
        )


def report_lines(report: AuditReport) -> Iterator[str]:
    """What the audit found, and how much it checked."""
    for finding in report.findings:
        yield f"Does not hold: {finding.promise}."
        yield from (f"  {row}" for row in finding.rows)
        if more := finding.breaches - len(finding.rows):
            yield f"  and {more} more"
    if not report.findings:
        yield (
            f"The ledger adds up: {_count(report.grants, 'grant', 'grants')},"
            f" {_count(report.entries, 'entry', 'entries')},"
            f" {_count(report.unlocks, 'unlock', 'unlocks')}."
        )
    if report.older_prepaid:
        older = _count(report.older_prepaid, "pass or period", "passes and periods")
        yield f"Not checked: the times of {older} sold before migration 0006."


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
