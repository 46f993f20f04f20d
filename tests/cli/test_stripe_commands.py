"""`paywall catalogue sync` and `paywall reconcile`, as an operator types them beside Stripe."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from click.testing import CliRunner, Result

from paywall.cli.main import main
from paywall.database.engine import Database
from paywall.database.tables import Pack, Plan, StripePrice, Subscription
from paywall.rules.enums import CreditsExpire, Interval
from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.checkout import create_session, pay_session
from paywall.sandbox.stripe.customers import create_customer
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from paywall.subscriptions.import_subscriptions import ImportedSubscription, import_subscriptions
from tests.postgres import free_port
from tests.sandbox.stripe.stand_in_server import serve_stand_in

SITE = "https://news.example"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Typing(NamedTuple):
    """An operator at a terminal, a database, and what Stripe has."""

    folder: Path
    database_url: str
    account: StandInAccount

    async def type(self, *words: str, **settings: str) -> Result:
        usual = {
            "database_url": self.database_url,
            "stripe_secret_key": "sk_test_standin",
            "stripe_webhook_secrets": "whsec_standin",
            "stripe_api_base": self.account.address,
        }
        given = {
            f"PAYWALL_{name.upper()}": received for name, received in (usual | settings).items()
        }
        return await asyncio.to_thread(CliRunner().invoke, main, words, env=given)


@pytest.fixture
async def typing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Typing]:
    """A pack and a plan are in the catalogue, and nothing is in Stripe."""
    monkeypatch.chdir(tmp_path)
    database = Database(Settings(database_url=database_url, data_dir=str(tmp_path)))
    price = {"amount": 600, "currency": "usd"}
    async with database.writing() as session:
        session.add(Pack(id="six", title="Six", credits=6, prices=[price], created_at=NOW))
        session.add(
            Plan(id="monthly", title="Monthly", interval=Interval.MONTH, interval_count=1,
                 credits=0, credits_expire=CreditsExpire.NEVER, prices=[price], created_at=NOW)
        )  # fmt: skip
    await database.close()
    async with serve_stand_in(StandIn(datetime.now(UTC))) as running:
        yield Typing(tmp_path, database_url, running.stand_in.account)


async def test_sync_shows_what_differs_and_does_nothing_before_it_is_told_to(
    typing: Typing,
) -> None:
    asked = await typing.type("catalogue", "sync")
    assert asked.stdout.splitlines()[:2] == ["make pack six: 6 USD", "make plan monthly: 6 USD"]
    assert asked.exit_code == 1
    assert list(typing.account.find_all("price")) == []
    done = await typing.type("catalogue", "sync", "--yes")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0,
        "Done: Stripe matches the catalogue.",
    )
    assert {price["unit_amount"] for price in typing.account.find_all("price")} == {600}
    again = await typing.type("catalogue", "sync")
    assert (again.exit_code, again.stdout) == (0, "Stripe matches the catalogue.\n")
    assert len(list(typing.account.find_all("price"))) == 2


async def test_sync_finds_the_prices_that_another_database_made(typing: Typing) -> None:
    await typing.type("catalogue", "sync", "--yes")
    database = Database(Settings(database_url=typing.database_url, data_dir=str(typing.folder)))
    async with database.writing() as session:
        for price in typing.account.find_all("price"):
            await session.delete(await session.get_one(StripePrice, price["id"]))
    await database.close()
    assert (await typing.type("catalogue", "sync")).exit_code == 0
    assert len(list(typing.account.find_all("price"))) == 2


async def test_sync_changes_nothing_while_stripe_cannot_charge_a_price(typing: Typing) -> None:
    await price_pack(typing, 1_234, "kwd")
    refused = await typing.type("catalogue", "sync", "--yes")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        "Error: The catalogue's price of pack six: Stripe takes KWD only in multiples of 10"
        " (0.010 KWD), and 1234 (1.234 KWD) is none: use 1230 or 1240.\n"
    )
    assert list(typing.account.find_all("price")) == []
    await price_pack(typing, 1_230, "kwd")
    assert (await typing.type("catalogue", "sync", "--yes")).exit_code == 0


async def test_sync_replaces_a_price_that_was_made_in_the_units_of_iso(typing: Typing) -> None:
    await price_pack(typing, 1_000, "isk")
    await typing.type("catalogue", "sync", "--yes")
    (price,) = typing.account.find_all("price", currency="isk")
    # As the first version of this service made it: ten krónur, and not a thousand.
    price["unit_amount"] = 1_000
    terms = {"credits": 6, "expires_after_days": None}
    named = ["pack", "six", "Six", {"amount": 1_000, "currency": "isk"}, terms]
    digest = hashlib.sha256(msgspec.json.encode(named, order="sorted")).hexdigest()
    price["lookup_key"] = f"paywall_{digest[:32]}"
    again = await typing.type("catalogue", "sync", "--yes")
    assert again.stdout.splitlines()[0] == "make pack six: 1,000 ISK"
    made = {price["unit_amount"] for price in typing.account.find_all("price", currency="isk")}
    assert made == {1_000, 100_000}


async def price_pack(typing: Typing, amount: int, currency: str) -> None:
    database = Database(Settings(database_url=typing.database_url, data_dir=str(typing.folder)))
    async with database.writing() as session:
        pack = await session.get_one(Pack, "six")
        pack.prices = [{"amount": amount, "currency": currency}]
        session.add(pack)
    await database.close()


async def test_reconcile_mends_and_says_what_had_drifted(typing: Typing) -> None:
    await typing.type("catalogue", "sync", "--yes")
    subscription = subscribe(typing.account)
    database = Database(Settings(database_url=typing.database_url, data_dir=str(typing.folder)))
    async with database.writing() as session:
        imported = ImportedSubscription("ann", "monthly", datetime.now(UTC), subscription)
        await import_subscriptions(session, [imported], clock=database.clock)
    await database.close()
    mended = await typing.type("reconcile")
    assert mended.exit_code == 0, mended.stderr
    assert "1 subscriptions that differed" in mended.stdout
    ends_at = typing.account.find("subscription", subscription)["items"]["data"][0][
        "current_period_end"
    ]
    database = Database(Settings(database_url=typing.database_url, data_dir=str(typing.folder)))
    async with database.reading() as session:
        mine = await session.get_one(Subscription, subscription)
    await database.close()
    assert mine.paid_through == datetime.fromtimestamp(ends_at, UTC)
    again = await typing.type("reconcile")
    assert again.stdout == "Nothing was missing: the records agree with Stripe.\n", again.stderr


def subscribe(account: StandInAccount) -> str:
    """The id of a subscription that somebody began in Stripe itself."""
    customer = create_customer(account, {})["id"]
    (price,) = (price for price in account.find_all("price") if price["recurring"])
    line = {"price": price["id"], "quantity": "1"}
    wish = {"mode": "subscription", "customer": customer, "line_items": [line]}
    session = create_session(account, {**wish, "success_url": SITE})
    return str(pay_session(account, session["id"])["subscription"])


@pytest.mark.parametrize("words", [("reconcile",), ("catalogue", "sync")], ids=" ".join)
async def test_what_stands_in_the_way_is_told_in_a_sentence(
    typing: Typing, words: tuple[str, ...]
) -> None:
    off = await typing.type(*words, stripe_secret_key="", stripe_api_base="")
    assert off.exit_code == 2
    assert "stripe_secret_key" in off.stderr
    away = await typing.type(*words, stripe_api_base=f"http://127.0.0.1:{free_port()}")
    assert (away.exit_code, away.stderr) == (2, "Error: Stripe cannot be reached.\n")
    assert "Traceback" not in off.stderr + away.stderr
