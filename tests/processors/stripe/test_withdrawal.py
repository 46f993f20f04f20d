"""Withdrawing from what was paid by Stripe: the money goes back once, and what began ends."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from paywall.problems import Unconfirmed
from paywall.processors.stripe.client import RETRIES_MAX
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import Drift
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.refunds import create_refund
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.processors.stripe.shop import Shop
from tests.test_story import put_article, unlock


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, withdrawal_days=14)


@pytest.fixture(autouse=True)
async def _audited(shop: Shop) -> AsyncIterator[None]:
    yield
    async with shop.database.reading() as session:
        assert await audit(session) == []


async def newest(shop: Shop) -> dict[str, Any]:
    answer = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    return dict(answer.json()["items"][0])


async def buy(shop: Shop, **request: object) -> dict[str, Any]:
    await shop.buy(**request)  # type: ignore[arg-type]  # only fields of the request
    await shop.deliver_events()
    return await newest(shop)


async def withdraw(shop: Shop, bought: dict[str, Any], *, dry_run: bool = False) -> httpx.Response:
    return await shop.post("withdrawals", purchase_id=bought["id"], dry_run=dry_run)


async def listed(shop: Shop) -> list[tuple[str, bool]]:
    answer = await shop.service.get("/v1/withdrawals", headers=shop.bearer.site("subscribers:read"))
    return [(one["state"], one["is_returned"]) for one in answer.json()["items"]]


def fail_refunds(shop: Shop) -> None:
    """Let one request for a refund fail, with all its repeats."""
    for _ in range(1 + RETRIES_MAX):
        shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "POST", "/v1/refunds")


def refunds(shop: Shop) -> list[int]:
    return [refund["amount"] for refund in shop.stand_in.account.find_all("refund")]


async def test_a_plan_is_refunded_in_full_and_ends_at_once(shop: Shop) -> None:
    bought = await buy(shop, plan_id="monthly")
    shop.move(13)
    assert (await withdraw(shop, bought, dry_run=True)).json()["amount"] == 600
    assert refunds(shop) == []
    done = await withdraw(shop, bought)
    assert (done.status_code, done.json()["is_returned"]) == (201, True), done.text
    assert shop.only("subscription")["status"] == "canceled"
    me = await shop.me()
    assert (me["access_until"], me["unlocks_left"]) == (None, 0)
    again = await withdraw(shop, bought)
    assert (again.status_code, again.json()) == (200, done.json())
    assert refunds(shop) == [600]
    await shop.deliver_events()
    assert (await newest(shop))["refunded"] == 600


async def test_without_consent_a_used_pack_is_returned_and_with_it_lost(shop: Shop) -> None:
    await put_article(shop.service, shop.bearer, "42")
    agreed = await buy(shop, pack_id="six", consent=True)
    assert (await withdraw(shop, agreed, dry_run=True)).status_code == 200
    await unlock(shop.service, shop.bearer, "ann", "42")
    lost = await withdraw(shop, agreed)
    assert lost.json()["type"] == "/problems/withdrawal_lost"
    shop.move(1)
    plain = await buy(shop, pack_id="six")
    await put_article(shop.service, shop.bearer, "43", unlock_cost=6)
    await unlock(shop.service, shop.bearer, "ann", "43")
    assert (await withdraw(shop, plain)).status_code == 201
    # The second unlock is revoked, and the credits of the first pack that it had used are back.
    assert (await shop.me())["unlocks_left"] == 5
    assert refunds(shop) == [600]


async def test_a_renewal_and_a_free_trial_have_no_right_of_withdrawal(shop: Shop) -> None:
    trial = await buy(shop, plan_id="tried")
    assert (trial["amount_paid"], trial["withdrawable_until"]) == (0, None)
    shop.move(7.5)
    await shop.deliver_events()
    first = await newest(shop)
    assert first["amount_paid"] == 600
    assert first["withdrawable_until"] is not None
    shop.move(31)
    await shop.deliver_events()
    renewal = await newest(shop)
    assert renewal["id"] != first["id"]
    assert (await withdraw(shop, renewal)).json()["type"] == "/problems/not_withdrawable"


async def test_an_unconfirmed_refund_is_no_withdrawal_until_it_is_asked_again(
    shop: Shop,
) -> None:
    bought = await buy(shop, pack_id="six")
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, "POST", "/v1/refunds")
    unseen = await withdraw(shop, bought)
    assert unseen.status_code == 503
    assert (await newest(shop))["withdrawal"] is None
    assert await listed(shop) == [("declared", False)]
    # The webhook reports the refund, which was made, before the reader tries again.
    await shop.deliver_events()
    done = await withdraw(shop, bought)
    assert done.status_code == 201, done.text
    assert refunds(shop) == [600]


async def test_a_declared_withdrawal_is_finished_without_the_reader(
    shop: Shop, settings: Settings
) -> None:
    context = StripeContext(shop.database, shop.stripe_client, settings)
    bought = await buy(shop, plan_id="monthly")
    fail_refunds(shop)
    assert (await withdraw(shop, bought)).status_code == 503
    await shop.deliver_events()
    # Its request may still be running.
    assert await reconcile(context) == Drift()
    shop.move(days=20)
    await shop.deliver_events()
    fail_refunds(shop)
    with pytest.raises(Unconfirmed):
        await reconcile(context)
    assert await listed(shop) == [("declared", False)]
    drift = await reconcile(context)
    assert drift is not None
    assert drift.withdrawals == 1
    assert (refunds(shop), shop.only("subscription")["status"]) == ([600], "canceled")
    assert await listed(shop) == [("confirmed", True)]
    await shop.deliver_events()
    assert await reconcile(context) == Drift()
    assert refunds(shop) == [600]


async def test_what_a_reader_declared_is_returned_before_they_are_erased(shop: Shop) -> None:
    bought = await buy(shop, pack_id="six")
    fail_refunds(shop)
    assert (await withdraw(shop, bought)).status_code == 503
    erased = await shop.service.delete("/v1/subscribers/ann", headers=shop.bearer.site())
    assert erased.status_code == 204, erased.text
    assert refunds(shop) == [600]
    assert await listed(shop) == [("confirmed", True)]


async def test_a_refund_that_stripe_refuses_leaves_the_withdrawal_declared(shop: Shop) -> None:
    """It was refunded in the dashboard a moment ago, which we have not been told."""
    bought = await buy(shop, plan_id="monthly")
    (payment,) = shop.stand_in.account.find_all("payment_intent")
    create_refund(shop.stand_in.account, {"payment_intent": payment["id"]})
    done = await withdraw(shop, bought)
    assert (done.status_code, done.json()["is_returned"]) == (201, True), done.text
    assert refunds(shop) == [600]
    assert shop.only("subscription")["status"] == "canceled"
    again = await withdraw(shop, bought)
    assert (again.status_code, again.json()) == (200, done.json())


async def test_the_tax_of_a_payment_is_on_record(shop: Shop) -> None:
    shop.stand_in.account.tax_percent = 20
    assert (await buy(shop, pack_id="six"))["tax_amount"] == 100
    assert (await buy(shop, plan_id="monthly"))["tax_amount"] == 100
    shop.stand_in.account.tax_percent = 0
    shop.move(1)
    assert (await buy(shop, pass_id="week"))["tax_amount"] is None
