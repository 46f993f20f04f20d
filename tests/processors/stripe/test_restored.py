"""A database that was restored from a backup catches up from Stripe's events."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import SQLModel, select

from paywall.cli.main import main
from paywall.database.engine import Database
from paywall.database.tables import (
    Checkout,
    CreditGrant,
    LedgerEntry,
    Purchase,
    Refund,
    StripeCustomer,
    Subscription,
)
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import Drift
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.refunds import create_refund
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.postgres import BIN
from tests.processors.stripe.shop import Shop

# By what does not depend on the order in which they were recorded.
COMPARED: dict[type[SQLModel], tuple[str, ...]] = {
    Checkout: ("id", "reader_id", "price_id", "consent_at", "customer_id", "session_id", "status"),
    CreditGrant: ("reader_id", "reference", "amount", "remaining", "expires_at"),
    LedgerEntry: ("reader_id", "kind", "amount"),
    Purchase: ("reader_id", "reference", "product_id", "amount_paid", "taken_back"),
    Refund: ("reference", "amount"),
    StripeCustomer: ("id", "reader_id"),
    Subscription: ("reader_id", "plan_id", "starts_at", "access_until", "cancel_at_period_end"),
}


async def command(*words: str) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, main, words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
async def restored(
    shop: Shop,
    settings: Settings,
    empty_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[StripeContext]:
    """What a backup from before the shop's later sales becomes; the shop itself goes on."""
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", settings.data_dir)
    await shop.buy("ann", pack_id="six")
    await shop.buy("cy", plan_id="monthly")
    await shop.deliver_events()
    backup = str(tmp_path / "backup")
    await command("backup", backup)
    audited = await command("audit")
    monkeypatch.setenv("PAYWALL_DATABASE_URL", empty_url)
    monkeypatch.setenv("PAYWALL_DATA_DIR", str(tmp_path / "elsewhere"))
    assert audited in await command("restore", backup)
    assert await command("audit") == audited
    database = Database(Settings(database_url=empty_url), shop.clock)
    yield StripeContext(database, shop.stripe_client, settings)
    await database.close()


async def rows(database: Database) -> dict[str, list[tuple[object, ...]]]:
    async with database.reading() as session:
        assert await audit(session) == []
        found = {table: (await session.exec(select(table))).all() for table in COMPARED}
    return {
        table.__name__: sorted(
            (tuple(getattr(row, name) for name in COMPARED[table]) for row in found[table]), key=str
        )
        for table in COMPARED
    }


async def test_backup_loss_restore_and_stripes_events_give_the_same(
    shop: Shop, restored: StripeContext
) -> None:
    shop.move(days=1)
    await shop.buy("ann", pack_id="six", consent=True)
    await shop.buy("new", pack_id="six")
    await shop.buy("អ្នកអាន", pass_id="week")
    await shop.buy("newer", plan_id="monthly")
    await shop.deliver_events()
    shop.move(days=28)
    refunded = next(shop.stand_in.account.find_all("payment_intent"))["id"]
    create_refund(shop.stand_in.account, {"payment_intent": refunded})
    await shop.deliver_events()
    assert await rows(restored.database) != await rows(shop.database)
    drift = await reconcile(restored)
    assert drift is not None
    assert drift.events > 0
    assert await rows(restored.database) == await rows(shop.database)
    assert await reconcile(restored) == Drift()


async def test_a_seal_opens_only_for_its_own_checkout(shop: Shop, restored: StripeContext) -> None:
    first = await shop.buy("ann", pack_id="six")
    second = await shop.buy("bo", pack_id="six")
    one, other = (
        shop.stand_in.account.find("checkout.session", page["session_id"])
        for page in (first, second)
    )
    assert "ann" not in str(one)
    other["metadata"] = one["metadata"]
    for event in shop.stand_in.account.find_all("event"):
        if event["data"]["object"]["id"] == other["id"]:
            event["data"]["object"]["metadata"] = one["metadata"]
    await reconcile(restored)
    recorded = await rows(restored.database)
    assert first["id"] in str(recorded)
    assert second["id"] not in str(recorded)
