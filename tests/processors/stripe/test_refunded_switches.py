"""A refunded switch: what was paid before it counts again, for the time that is still to come."""

from datetime import UTC, datetime
from typing import Any

import pytest

from paywall.sandbox.stripe import disputes, events, refunds
from tests.processors.stripe.shop import SECRET
from tests.processors.stripe.stocked import Stocked

FIRST_MONTH_ENDS = "2026-12-24T12:00:00Z"
YEAR_ENDS = "2027-11-24T12:00:00Z"
IN_ORDER = pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])


def last_charge(stocked: Stocked) -> str:
    return str([*stocked.shop.stand_in.account.find_all("charge")][-1]["id"])


def refund(stocked: Stocked, charge: str, **part: str) -> dict[str, Any]:
    return refunds.create_refund(stocked.shop.stand_in.account, {"charge": charge, **part})


async def upgrade(stocked: Stocked, *, after_days: int) -> None:
    await stocked.buy("small")
    stocked.shop.move(days=after_days)
    stocked.switch("large")


async def test_a_refunded_upgrade_leaves_what_was_paid_before(stocked: Stocked) -> None:
    await upgrade(stocked, after_days=10)
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2 - 2 + 4)
    stocked.shop.move(days=5)
    refunded = refund(stocked, last_charge(stocked))
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2)
    refunds.fail_refund(stocked.shop.stand_in.account, refunded["id"])
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2 - 2 + 4)


async def test_a_disputed_upgrade_leaves_what_was_paid_until_won(stocked: Stocked) -> None:
    account = stocked.shop.stand_in.account
    await upgrade(stocked, after_days=10)
    dispute = disputes.open_dispute(account, last_charge(stocked), inquiry=False)
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2)
    disputes.close_dispute(account, dispute["id"], won=True)
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2 - 2 + 4)


async def test_a_partly_refunded_upgrade_stands(stocked: Stocked) -> None:
    await upgrade(stocked, after_days=0)
    refund(stocked, last_charge(stocked), amount="600")
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 3)


async def test_a_goodwill_refund_of_an_upgrade_leaves_the_upgrade(stocked: Stocked) -> None:
    await upgrade(stocked, after_days=0)
    params = {"charge": last_charge(stocked), "metadata": {"paywall_keep_access": "true"}}
    refunds.create_refund(stocked.shop.stand_in.account, params)
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 6)


async def test_a_refund_of_a_month_that_became_a_year_withdraws_nothing(stocked: Stocked) -> None:
    """What the first month had left was passed on to the year, which is paid."""
    await upgrade(stocked, after_days=0)
    charge = last_charge(stocked)
    stocked.switch("annual")
    assert await stocked.shown() == (YEAR_ENDS, 24)
    refund(stocked, charge)
    assert await stocked.shown() == (YEAR_ENDS, 24)
    refund(stocked, last_charge(stocked))
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2)


@IN_ORDER
async def test_a_refund_of_an_upgrade_counts_in_any_order(stocked: Stocked, step: int) -> None:
    """A pass that waits starts when the first month ends, and its time is used once."""
    shop = stocked.shop
    await upgrade(stocked, after_days=10)
    await shop.buy(pass_id="week")
    charges = [*shop.stand_in.account.find_all("charge", amount=800)]
    shop.move(days=5)
    refund(stocked, charges[0]["id"])
    shop.move(days=1)
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200
    assert (await stocked.shown())[1] == 2
    ends = {one["kind"]: one["access_until"] for one in (await shop.me())["subscriptions"]}
    assert ends == {"stripe": FIRST_MONTH_ENDS, "pass": "2026-12-31T12:00:00Z"}


async def test_a_switch_refunded_after_the_month_gives_back_no_time(stocked: Stocked) -> None:
    """The year is refunded when the month would be over: a pass that waits starts then."""
    shop = stocked.shop
    await stocked.buy("small")
    shop.move(days=10)
    stocked.switch("annual")
    charge = last_charge(stocked)
    await shop.buy(pass_id="week")
    shop.move(days=30)
    refund(stocked, charge)
    assert (await stocked.shown())[1] == 2
    ends = {one["kind"]: one["access_until"] for one in (await shop.me())["subscriptions"]}
    assert ends == {"stripe": FIRST_MONTH_ENDS, "pass": "2027-01-10T12:00:00Z"}


async def test_a_refund_recorded_by_the_site_withdraws_a_credit_too(stocked: Stocked) -> None:
    await upgrade(stocked, after_days=0)
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 6)
    upgraded, _ = await stocked.purchases()
    refunded = await stocked.shop.service.post(
        f"/v1/purchases/{upgraded['id']}/refunds",
        json={"reference": "by hand", "amount": upgraded["amount_paid"]},
        headers=stocked.shop.bearer.site(),
    )
    assert refunded.status_code == 201, refunded.text
    assert await stocked.shown() == (FIRST_MONTH_ENDS, 2)


async def test_a_renewal_follows_a_refunded_upgrade_without_a_gap(stocked: Stocked) -> None:
    """The subscription goes on, so the leeway before its renewal stays."""
    await upgrade(stocked, after_days=0)
    refund(stocked, last_charge(stocked))
    await stocked.shown()
    stocked.shop.clock.at = datetime(2026, 12, 24, 12, 0, 1, tzinfo=UTC)
    assert (await stocked.shop.me())["subscription"]["opens_all"] is True
