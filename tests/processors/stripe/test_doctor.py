"""`paywall doctor` looks at Stripe too, where the service sells by it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from paywall.cli.doctor import diagnose
from paywall.database.engine import Database
from paywall.database.tables import Pack
from paywall.diagnosis import Diagnosis
from paywall.processors.stripe import doctor
from paywall.processors.stripe.catalogue import apply, differ
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe import checkout
from paywall.sandbox.stripe.catalogue import update_price
from paywall.sandbox.stripe.customers import create_customer
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.postgres import free_port
from tests.sandbox.stripe.stand_in_server import serve_stand_in

NOW = datetime.now(UTC)
AN_HOUR_AGO = NOW - timedelta(hours=1)


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with serve_stand_in(StandIn(AN_HOUR_AGO)) as running:
        yield running.stand_in


@pytest.fixture
async def settings(database_url: str, tmp_path: Path, stand_in: StandIn) -> Settings:
    """A pack is in the catalogue, and in Stripe for the same price."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    settings = Settings(
        database_url=database_url,
        data_dir=str(folder),
        stripe_secret_key="sk_test_standin",
        stripe_webhook_secrets=["whsec_standin"],
        stripe_api_base=stand_in.account.address,
    )
    database, stripe_client = Database(settings), StripeClient(settings)
    async with database.writing() as session:
        price = {"amount": 600, "currency": "usd"}
        session.add(Pack(id="six", title="Six", credits=6, prices=[price], created_at=NOW))
    await apply(database, stripe_client, await differ(database, stripe_client))
    await stripe_client.close()
    await database.close()
    return settings


async def _said(settings: Settings) -> tuple[str, str]:
    """What is well, and what is wrong."""
    shown = await diagnose(settings)
    wrong = "\n".join(str(item) for item in shown if isinstance(item, Diagnosis))
    return "\n".join(item for item in shown if isinstance(item, str)), wrong


async def test_all_that_is_well_is_said_in_a_sentence_each(settings: Settings) -> None:
    well, wrong = await _said(settings)
    assert wrong == ""
    assert "Webhooks are verified with 1 signing secret." in well
    assert "in test mode: no payment is real." in well
    assert "Stripe has the products of the catalogue, at the same prices." in well
    assert "No event has been handled yet. No event is waiting." in well


async def test_a_key_that_stripe_does_not_take_is_named(settings: Settings) -> None:
    strange = msgspec.structs.replace(settings, stripe_secret_key="sk_strange")
    _, wrong = await _said(strange)
    assert "Stripe refuses requests with stripe_secret_key." in wrong


async def test_a_missing_secret_is_named(settings: Settings) -> None:
    _, wrong = await _said(msgspec.structs.replace(settings, stripe_webhook_secrets=[]))
    assert "stripe_webhook_secrets is empty" in wrong


async def test_a_stripe_that_cannot_be_reached_is_named(settings: Settings) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    well, wrong = await _said(msgspec.structs.replace(settings, stripe_api_base=nobody))
    assert "Stripe cannot be reached." in wrong
    assert "Stripe accepts the key" not in well


async def test_a_stripe_that_hangs_is_not_waited_for_without_end(
    settings: Settings, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ANSWERS_WITHIN_SECONDS", 0.2)
    stand_in.faults.plan(Fault.TIMEOUT_BEFORE, "GET", "/v1/account")
    _, wrong = await _said(settings)
    assert "did not answer within" in wrong


async def test_a_price_that_stripe_lacks_is_named(settings: Settings) -> None:
    database = Database(settings)
    async with database.writing() as session:
        pack = await session.get_one(Pack, "six")
        pack.prices = [{"amount": 700, "currency": "usd"}]
        session.add(pack)
    await database.close()
    _, wrong = await _said(settings)
    assert "Stripe does not have pack six: 7 USD. Run `paywall catalogue sync`." in wrong
    assert "Stripe still has pack six: 6 USD, which the catalogue no longer has." in wrong


async def test_a_price_of_another_amount_is_named(settings: Settings, stand_in: StandIn) -> None:
    (price,) = stand_in.account.find_all("price")
    price["unit_amount"] = 650
    _, wrong = await _said(settings)
    assert "Stripe's price is 6.50 USD for pack six: 6 USD." in wrong


async def test_prices_are_compared_as_iso_counts_them(
    settings: Settings, stand_in: StandIn
) -> None:
    await _put_in_catalogue(settings, {"amount": 1_000, "currency": "isk"})
    well, wrong = await _said(settings)
    assert wrong == ""
    assert "Stripe has the products of the catalogue, at the same prices." in well
    (price,) = stand_in.account.find_all("price", currency="isk")
    assert price["unit_amount"] == 100_000
    price["unit_amount"] = 1_000
    _, wrong = await _said(settings)
    assert "Stripe's price is 10 ISK for pack six: 1,000 ISK." in wrong
    price["unit_amount"] = 1_050
    _, wrong = await _said(settings)
    assert f"Stripe states 1050 isk as unit_amount of the price {price['id']}" in wrong


async def test_a_price_that_stripe_cannot_charge_is_named(settings: Settings) -> None:
    await _put_in_catalogue(settings, {"amount": 1_050, "currency": "mga"})
    _, wrong = await _said(settings)
    assert "The catalogue's price of pack six: Stripe takes MGA only in multiples of 100" in wrong
    assert "use 1000 or 1100. Change it in the catalogue." in wrong


async def _put_in_catalogue(settings: Settings, price: dict[str, object]) -> None:
    """Price the pack so, and in Stripe too if it can be."""
    database, stripe_client = Database(settings), StripeClient(settings)
    async with database.writing() as session:
        pack = await session.get_one(Pack, "six")
        pack.prices = [price]
        session.add(pack)
    await apply(database, stripe_client, await differ(database, stripe_client))
    await stripe_client.close()
    await database.close()


async def test_a_price_that_is_sold_no_more_in_stripe_is_named(
    settings: Settings, stand_in: StandIn
) -> None:
    (price,) = stand_in.account.find_all("price")
    update_price(stand_in.account, {"active": "false"}, price["id"])
    _, wrong = await _said(settings)
    assert "Stripe does not have pack six: 6 USD." in wrong


async def test_events_that_were_not_taken_in_are_counted_until_they_are(
    settings: Settings, stand_in: StandIn
) -> None:
    account = stand_in.account
    (price,) = account.find_all("price")
    customer = create_customer(account, {})
    session = checkout.create_session(account, {
        "mode": "payment", "customer": customer["id"], "success_url": "https://news.example",
        "line_items": [{"price": price["id"], "quantity": "1"}],
    })  # fmt: skip
    account.now = int(AN_HOUR_AGO.timestamp())
    checkout.pay_session(account, session["id"])
    _, wrong = await _said(settings)
    assert "No event has been handled yet. 1 of Stripe's events since" in wrong
    assert "`paywall reconcile`" in wrong
    database, stripe_client = Database(settings), StripeClient(settings)
    await reconcile(StripeContext(database, stripe_client, settings))
    await stripe_client.close()
    await database.close()
    well, wrong = await _said(settings)
    assert wrong == ""
    assert "The last event was handled at" in well
