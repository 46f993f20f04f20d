"""Refunds and disputes take back exactly what they should, in whatever order they are told."""

from random import Random
from typing import Any

import httpx
import stripe

from paywall.sandbox.stripe import disputes, events, refunds
from paywall.sandbox.stripe.in_process_client import InProcessClient
from tests.processors.stripe.shop import SECRET, Shop


def refund(shop: Shop, amount: int, **metadata: str) -> dict[str, Any]:
    """The site's staff refund in Stripe's dashboard."""
    charge = next(c for c in shop.stand_in.account.find_all("charge") if c["status"] == "succeeded")
    given = {"charge": charge["id"], "amount": str(amount), "metadata": metadata}
    return refunds.create_refund(shop.stand_in.account, given)


async def purchase(shop: Shop) -> dict[str, Any]:
    answer: httpx.Response = await shop.service.get(
        "/v1/me/purchases", headers=shop.bearer.reader("ann")
    )
    return dict(answer.json()["items"][0])


async def test_a_refund_in_part_takes_credits_in_proportion(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    await shop.deliver_events()
    refund(shop, 250)
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 4
    assert (await purchase(shop))["refunded"] == 250


async def test_a_refund_that_failed_gives_the_credits_back(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    await shop.deliver_events()
    made = refund(shop, 600)
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 0
    refunds.fail_refund(shop.stand_in.account, made["id"])
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 6


async def test_a_pending_refund_takes_back_once_and_gives_back_if_it_fails(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    charge, seen = shop.only("charge"), []
    begun = refunds.create_pending_refund(shop.stand_in.account, charge["id"], charge["amount"])
    for change in (refunds.complete_refund, refunds.fail_refund):
        await shop.deliver_events()
        seen.append(((await shop.me())["unlocks_left"], (await purchase(shop))["refunded"]))
        change(shop.stand_in.account, begun["id"])
    await shop.deliver_events()
    seen.append(((await shop.me())["unlocks_left"], (await purchase(shop))["refunded"]))
    assert seen == [(0, 0), (0, 600), (6, 0)]


async def test_a_goodwill_refund_keeps_access(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    await shop.deliver_events()
    refund(shop, 600, paywall_keep_access="true")
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 6
    assert (await purchase(shop))["refunded"] == 600


async def test_a_refund_reported_before_its_payment_is_not_lost(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    refund(shop, 300)
    await shop.deliver_events(shuffle=Random(7), repeat=0.5)
    assert (await shop.me())["unlocks_left"] == 3


async def test_a_dispute_takes_back_at_once_and_gives_back_when_it_is_won(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    charge = shop.only("charge")["id"]
    account = shop.stand_in.account
    inquiry = disputes.open_dispute(account, charge, inquiry=True)
    await shop.deliver_events()
    assert (await shop.me())["unlocks_left"] == 2
    disputes.escalate_inquiry(account, inquiry["id"])
    await shop.deliver_events()
    mine = await shop.me()
    assert mine["unlocks_left"] == 0
    assert mine["subscription"]["access_until"] == "2026-11-24T12:00:00Z"
    disputes.close_dispute(account, inquiry["id"], won=True)
    await shop.deliver_events()
    mine = await shop.me()
    assert mine["unlocks_left"] == 2
    assert mine["subscription"]["access_until"] == "2026-12-24T12:00:00Z"


async def test_each_event_of_a_refund_alone_takes_back_what_it_paid_for(shop: Shop) -> None:
    """Though another reader subscribes too."""
    await shop.buy("bo", plan_id="monthly")
    await shop.deliver_events()
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    charge = next(shop.stand_in.account.find_all("charge"))
    refunds.create_refund(shop.stand_in.account, {"charge": charge["id"]})
    first, *_ = events.drain_deliveries(shop.stand_in.account, SECRET)
    assert (await shop.send(first)).status_code == 200
    shown = {reader: (await shop.me(reader))["subscription"] for reader in ("ann", "bo")}
    assert sorted(item["access_until"] for item in shown.values()) == [
        "2026-11-24T12:00:00Z", "2026-12-24T12:00:00Z",
    ]  # fmt: skip


async def test_another_product_on_the_account_makes_no_member(shop: Shop) -> None:
    client = stripe.StripeClient("sk_test_x", http_client=InProcessClient(shop.stand_in, 1)).v1
    customer = await client.customers.create_async({})
    price = await client.prices.create_async(
        {"currency": "usd", "unit_amount": 5, "product_data": {"name": "A mug"},
         "recurring": {"interval": "month"}}
    )  # fmt: skip
    page = await client.checkout.sessions.create_async(
        {"mode": "subscription", "customer": customer.id, "success_url": "https://mug.example",
         "line_items": [{"price": price.id, "quantity": 1}]}
    )  # fmt: skip
    shop.pay(page.id)
    assert set(await shop.deliver_events()) == {200}
    everybody = await shop.service.get("/v1/purchases", headers=shop.bearer.site())
    assert everybody.json()["items"] == []
