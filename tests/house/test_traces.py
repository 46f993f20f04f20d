"""Reading along a request leads forward: it returns to few of the files that it has left."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paywall.sandbox.stripe import events
from tests.house.traces import Trace, traced
from tests.processors.stripe.shop import SECRET, Shop
from tests.processors.stripe.stage import stage
from tests.web.plain import enter, subscribe

# What is charged next is one more question to Stripe for each subscription.
WEBHOOK_RETURNS_MAX = 21
CANCEL_RETURNS_MAX = 12
ACCOUNT_RETURNS_MAX = 21


@pytest.fixture
async def shop(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Shop]:
    shutil.copy(sqlite_template, tmp_path / "paywall.sqlite3")
    async with (
        stage(f"sqlite:///{tmp_path / 'paywall.sqlite3'}", tmp_path) as made,
        made.anew(None) as played,
    ):
        yield played.shops[0]


async def test_an_invoice_is_followed_to_its_credits_with_few_returns(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    before = (await shop.me())["unlocks_left"]
    (paid,) = [
        delivery
        for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)
        if json.loads(delivery.payload)["type"] == "invoice.paid"
    ]
    with traced("POST", "/v1/webhooks/stripe") as trace:
        assert (await shop.send(paid)).status_code == 200
    assert (await shop.me())["unlocks_left"] == before + 2
    hold(trace, WEBHOOK_RETURNS_MAX)


async def test_a_cancellation_in_stripe_is_followed_with_few_returns(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    with traced("POST", "/v1/me/subscription/cancel") as trace:
        cancelled = await shop.post("subscription/cancel", when="period_end")
    assert cancelled.status_code == 200
    assert shop.only("subscription")["cancel_at_period_end"]
    hold(trace, CANCEL_RETURNS_MAX)


async def test_the_account_page_is_followed_with_few_returns(shop: Shop) -> None:
    await subscribe(shop.service, shop.bearer, "ann")
    assert (await enter(shop.service, shop.bearer, "ann")).status_code == 303
    with traced("GET", "/account") as trace:
        page = await shop.service.get("/account")
    assert "Six" in page.text
    hold(trace, ACCOUNT_RETURNS_MAX)


def hold(trace: Trace, returns_max: int) -> None:
    print(trace)  # noqa: T201 (for whoever asks by -s)
    assert trace.files, "the handler was not entered"
    assert trace.returns <= returns_max, str(trace)
