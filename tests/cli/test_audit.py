"""`paywall audit`, as it is typed."""

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from paywall.cli.main import main
from paywall.credits.grant import GrantTerms, grant_credits
from paywall.database.engine import Database
from paywall.rules.enums import Actor, GrantSource
from paywall.settings import Settings

ACTOR = Actor("test", "audit", "0")
GRANTS = 25


@pytest.fixture(autouse=True)
def configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", settings.data_dir)
    return settings


def run_audit() -> Result:
    return CliRunner().invoke(main, ["audit"])


def after(settings: Settings, *statements: str, grants: int = GRANTS) -> None:
    """Grant credits, 25 times by default, and then change the tables by hand."""
    asyncio.run(_after(settings, statements, grants))


async def _after(settings: Settings, statements: Sequence[str], grants: int) -> None:
    database = Database(settings)
    async with database.writing() as session:
        for number in range(grants):
            terms = GrantTerms("ann", 3, GrantSource.PROMOTION, str(number))
            await grant_credits(session, terms, actor=ACTOR, clock=database.clock)
        for statement in statements:
            await (await session.connection()).execute(sa.text(statement))
    await database.close()


def test_a_ledger_that_adds_up_is_counted_beside_a_running_service(configured: Settings) -> None:
    after(configured)
    running = Database(configured)
    proved = run_audit()
    asyncio.run(running.close())
    assert (proved.exit_code, proved.stderr) == (0, "")
    assert proved.stdout == "The ledger adds up: 25 grants, 25 entries, 0 unlocks.\n"


def test_a_single_row_is_counted_in_the_singular(configured: Settings) -> None:
    after(configured, grants=1)
    assert run_audit().stdout == "The ledger adds up: 1 grant, 1 entry, 0 unlocks.\n"


def test_passes_without_the_length_sold_are_counted(configured: Settings) -> None:
    assert "Not checked" not in run_audit().stdout
    at = "'2026-01-01 00:00:00.000000'"
    columns = "id, reader_id, kind, starts_at, paid_through, is_taken_back, entitled_until,"
    after(
        configured,
        f"insert into subscription ({columns} access_until, cancel_at_period_end, created_at)"
        f" values ('old', 'ann', 'pass', {at}, {at}, false, {at}, {at}, false, {at})",
    )
    last = run_audit().stdout.splitlines()[-1]
    assert last == "Not checked: the times of 1 pass or period sold before migration 0006."


def test_each_broken_promise_is_told_with_its_rows(configured: Settings) -> None:
    after(configured, "update credit_grant set remaining = 2")
    proved = run_audit()
    assert proved.exit_code == 1
    first, *rows, last = proved.stdout.splitlines()
    assert first == "Does not hold: The remaining credits of a grant are the sum of its entries."
    assert rows == [f"  grant {id_}: remaining 2, entries 3" for id_ in range(1, 21)]
    assert last == "  and 5 more"


def test_a_database_that_was_never_made_is_told_in_a_sentence(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYWALL_DATABASE_URL", empty_url)
    proved = run_audit()
    assert (proved.exit_code, proved.stdout) == (2, "")
    assert "`paywall " in proved.stderr
    assert "Traceback" not in proved.stderr
