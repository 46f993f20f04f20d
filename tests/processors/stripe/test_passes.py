"""Passes bought one after the other end where they should, whatever webhook comes first.

A refund removes what is left of a pass at the refund's own time; the time before stays used.
"""

import pytest

from paywall.sandbox.stripe import disputes, events, refunds
from tests.processors.stripe.shop import SECRET, Shop

IN_ORDER = pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])


async def deliver_events(shop: Shop, step: int) -> None:
    """Stripe delivers all it has, the oldest or the newest first."""
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200


async def ends(shop: Shop) -> list[str]:
    return sorted(item["access_until"] for item in (await shop.me())["subscriptions"])


@IN_ORDER
async def test_the_second_pass_starts_when_the_first_ends(shop: Shop, step: int) -> None:
    await shop.buy(pass_id="week")
    shop.move(days=2)
    await shop.buy(pass_id="week")
    await deliver_events(shop, step)
    assert await ends(shop) == ["2026-12-01T12:00:00Z", "2026-12-08T12:00:00Z"]


@IN_ORDER
async def test_a_pass_bought_after_a_refund_starts_at_once(shop: Shop, step: int) -> None:
    await shop.buy(pass_id="week")
    shop.move(days=1)
    refunds.create_refund(shop.stand_in.account, {"charge": shop.only("charge")["id"]})
    shop.move(days=1)
    await shop.buy(pass_id="week")
    await deliver_events(shop, step)
    assert await ends(shop) == ["2026-11-25T12:00:00Z", "2026-12-03T12:00:00Z"]


@IN_ORDER
async def test_a_refund_begins_the_pass_that_was_bought_before_it(shop: Shop, step: int) -> None:
    await shop.buy(pass_id="week")
    charge_id = shop.only("charge")["id"]
    shop.move(days=1)
    await shop.buy(pass_id="week")
    shop.move(days=1)
    refunds.create_refund(shop.stand_in.account, {"charge": charge_id})
    await deliver_events(shop, step)
    assert await ends(shop) == ["2026-11-26T12:00:00Z", "2026-12-03T12:00:00Z"]


async def test_a_refund_reported_after_the_next_purchase_delays_nothing(
    shop: Shop,
) -> None:
    await shop.buy(pass_id="week")
    await shop.deliver_events()
    shop.move(days=1)
    refunds.create_refund(shop.stand_in.account, {"charge": shop.only("charge")["id"]})
    shop.move(days=1)
    late = events.drain_deliveries(shop.stand_in.account, SECRET)
    await shop.buy(pass_id="week")
    await shop.deliver_events()
    assert await ends(shop) == ["2026-12-01T12:00:00Z", "2026-12-08T12:00:00Z"]
    for delivery in late:
        await shop.send(delivery)
    assert await ends(shop) == ["2026-11-25T12:00:00Z", "2026-12-03T12:00:00Z"]


@pytest.mark.parametrize("end", ["settle", "fail"])
async def test_a_pending_refund_takes_effect_from_its_own_time(shop: Shop, end: str) -> None:
    """While its money is on its way, too. Where it fails, the first pass gets back what it had."""
    await shop.buy(pass_id="week")
    shop.move(days=1)
    charge = shop.only("charge")
    begun = refunds.create_pending_refund(shop.stand_in.account, charge["id"], charge["amount"])
    shop.move(days=1)
    await shop.buy(pass_id="week")
    await shop.deliver_events()
    assert await ends(shop) == ["2026-11-25T12:00:00Z", "2026-12-03T12:00:00Z"]
    finish = refunds.complete_refund if end == "settle" else refunds.fail_refund
    finish(shop.stand_in.account, begun["id"])
    await shop.deliver_events()
    assert await ends(shop) == (
        ["2026-11-25T12:00:00Z", "2026-12-03T12:00:00Z"]
        if end == "settle"
        else ["2026-12-02T12:00:00Z", "2026-12-09T12:00:00Z"]
    )


async def test_a_refund_that_fails_late_gives_back_what_it_removed(shop: Shop) -> None:
    await shop.buy(pass_id="week")
    shop.move(days=1)
    refund = refunds.create_refund(shop.stand_in.account, {"charge": shop.only("charge")["id"]})
    await shop.deliver_events()
    assert await ends(shop) == ["2026-11-25T12:00:00Z"]
    shop.move(days=3)
    refunds.fail_refund(shop.stand_in.account, refund["id"])
    shop.move(days=1)
    await shop.deliver_events()
    assert await ends(shop) == ["2026-12-04T12:00:00Z"]


@pytest.mark.parametrize("escalates", [True, False])
async def test_an_inquiry_removes_a_pass_when_it_becomes_a_dispute(
    shop: Shop, *, escalates: bool
) -> None:
    await shop.buy(pass_id="week")
    shop.move(days=1)
    account = shop.stand_in.account
    inquiry = disputes.open_dispute(account, shop.only("charge")["id"], inquiry=True)
    shop.move(days=1)
    await shop.buy(pass_id="week")
    await shop.deliver_events()
    assert await ends(shop) == ["2026-12-01T12:00:00Z", "2026-12-08T12:00:00Z"]
    if escalates:
        disputes.escalate_inquiry(account, inquiry["id"])
    else:
        disputes.close_dispute(account, inquiry["id"], won=True)
    await shop.deliver_events()
    assert await ends(shop) == (
        ["2026-11-26T12:00:00Z", "2026-12-03T12:00:00Z"]
        if escalates
        else ["2026-12-01T12:00:00Z", "2026-12-08T12:00:00Z"]
    )


async def test_a_dispute_that_is_won_gives_back_what_it_removed(shop: Shop) -> None:
    await shop.buy(pass_id="week")
    shop.move(days=1)
    account = shop.stand_in.account
    dispute = disputes.open_dispute(account, shop.only("charge")["id"])
    await shop.deliver_events()
    assert await ends(shop) == ["2026-11-25T12:00:00Z"]
    shop.move(days=9)
    disputes.close_dispute(account, dispute["id"], won=True)
    shop.move(days=1)
    await shop.deliver_events()
    assert await ends(shop) == ["2026-12-10T12:00:00Z"]
