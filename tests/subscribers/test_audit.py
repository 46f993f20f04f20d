"""The audit fails and names the row after any single value was changed by hand."""

from typing import NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.expiry import record_expired
from paywall.credits.grant import GrantTerms, grant_credits, void_grant
from paywall.database.engine import Database
from paywall.database.tables import Article, Unlock
from paywall.rules.decision import Policy
from paywall.rules.enums import Actor, GrantSource, UnlockSource
from paywall.server.housekeeping import run_housekeeping_once
from paywall.settings import Settings
from paywall.subscribers.audit import Violation, audit
from paywall.unlocks.unlock import unlock_article
from tests.conftest import START, SetClock

ACTOR = Actor("test", "audit", "0")
KINDS = ("granted", "spent", "expired", "voided", "restored")


class RolledBack(Exception):  # noqa: N818 (not an error)
    pass


@pytest.fixture
async def history(database: Database, clock: SetClock, settings: Settings) -> Database:
    """Two readers with entries of every kind that the core writes."""
    async with database.writing() as session:
        for name, cost in (("a", 1), ("b", 3)):
            session.add(
                Article(id=name, title="", policy=Policy.PREMIUM, unlock_cost=cost,
                        created_at=START, updated_at=START)
            )  # fmt: skip
        for reader in ("ann", "bo"):
            for number, hours in enumerate((1, 48, 72)):
                expires_at = clock.now() + (clock.move(hours=hours) - clock.move(hours=-hours))
                terms = GrantTerms(
                    reader, 2 + number, GrantSource.PROMOTION, f"{reader}-{number}", expires_at
                )
                await grant_credits(session, terms, actor=ACTOR, clock=clock)
            for article in ("b", "a"):
                await unlock_article(
                    session, reader, article,
                    max_cost=None, actor=ACTOR, clock=clock, settings=settings,
                )  # fmt: skip
            extra = GrantTerms(reader, 5, GrantSource.ADJUSTMENT, f"{reader}-void")
            grant, _ = await grant_credits(session, extra, actor=ACTOR, clock=clock)
            await void_grant(session, reader, grant.id, actor=ACTOR, clock=clock)
            session.add(
                Unlock(reader_id=reader, article_id="gift", source=UnlockSource.COMPLIMENTARY,
                       unlocked_at=clock.now())
            )  # fmt: skip
    clock.move(hours=50)
    await run_housekeeping_once(database, [record_expired])
    return database


class Change(NamedTuple):
    """One value, changed by hand, and what the audit then has to name."""

    statement: str
    names: str


async def ids(session: AsyncSession, table: str) -> list[int]:
    connection = await session.connection()
    return list(
        (await connection.execute(sa.text(f"select id from {table} order by id"))).scalars()
    )


async def changes(session: AsyncSession) -> list[Change]:
    found = []
    for entry in await ids(session, "ledger_entry"):
        where = f"where id = {entry}"
        found += [
            Change(f"update ledger_entry set amount = amount {by} {where}", "grant")
            for by in ("+ 1", "- 1", "* -1")
        ]
        found += [
            Change(
                f"update ledger_entry set kind = '{kind}' {where} and kind <> '{kind}'",
                f"entry {entry}",
            )
            for kind in KINDS
        ]
        found += [
            Change(f"update ledger_entry set grant_id = {grant} {where} and grant_id <> {grant}",
                   "grant")
            for grant in [*await ids(session, "credit_grant"), 999]
        ]  # fmt: skip
        found += [
            Change(
                f"update ledger_entry set unlock_id = {unlock} {where}"
                f" and coalesce(unlock_id, 0) <> coalesce({unlock}, 0)",
                "unlock",
            )
            for unlock in [*await ids(session, "unlock"), 999, "null"]
        ]
        found.append(Change(f"update ledger_entry set reader_id = 'eve' {where}", f"entry {entry}"))
        found.append(Change(f"delete from ledger_entry {where}", "grant"))
    for grant in await ids(session, "credit_grant"):
        where = f"where id = {grant}"
        found += [
            Change(f"update credit_grant set {what} {where}", f"grant {grant}")
            for what in ("amount = amount + 1", "remaining = remaining + 1", "reader_id = 'eve'")
        ]
        found.append(Change(f"delete from credit_grant {where}", f"grant {grant}"))
    for unlock in await ids(session, "unlock"):
        where = f"where id = {unlock}"
        found += [
            Change(f"update unlock set {what} {where}", f"unlock {unlock}")
            for what in (
                "source = case source when 'credits' then 'migration' else 'credits' end",
                "revoked_at = unlocked_at",
                "reader_id = 'eve'",
            )
        ]
    found += [
        Change("update unlock_payment set amount = amount + 1", "unlock"),
        Change("delete from unlock_payment", "unlock"),
        Change("delete from unlock where source = 'credits'", "unlock"),
        Change("delete from subscriber", "grant"),
    ]
    return found


async def findings_after(database: Database, change: Change) -> list[Violation] | None:
    """None where the change touches no row, or the database itself refuses it."""
    findings: list[Violation] | None = None
    try:
        async with database.writing() as session:
            connection = await session.connection()
            done = await connection.execute(sa.text(change.statement))
            if done.rowcount:
                findings = await audit(session)
            raise RolledBack
    except (RolledBack, exc.IntegrityError):
        return findings


async def test_the_audit_passes_on_an_unchanged_database(history: Database) -> None:
    async with history.reading() as session:
        assert await audit(session) == []


async def test_the_audit_names_the_row_of_each_change(history: Database) -> None:
    async with history.reading() as session:
        attempted = await changes(session)
    missed = []
    changes_audited = 0
    for change in attempted:
        findings = await findings_after(history, change)
        if findings is None:
            continue
        changes_audited += 1
        named = " ".join(row for finding in findings for row in finding.rows)
        if change.names not in named:
            missed.append((change, named))
    assert missed == []
    assert changes_audited > 300
