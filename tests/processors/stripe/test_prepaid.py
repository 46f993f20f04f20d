"""Prepaid time beside a subscription that Stripe bills, through Stripe's own events."""

from datetime import UTC, datetime

from tests.processors.stripe.shop import DAY, PRICES, Shop


def move_to(shop: Shop, *day: int) -> None:
    until = datetime(*day, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, day
    shop.move((until - shop.clock.now()).total_seconds() / DAY)


async def test_cancelling_a_year_now_starts_the_pass_that_waited(shop: Shop) -> None:
    """The receipt states the reader's own access: 30 days from the cancellation."""
    product = {"title": "30 days", "days": 30, "prices": PRICES}
    await shop.service.put("/v1/passes/30", json=product, headers=shop.bearer.site())
    await shop.buy(plan_id="yearly")
    await shop.deliver_events()
    move_to(shop, 2027, 3, 1)
    bought = await shop.service.post(
        "/v1/purchases",
        json={"reader_id": "ann", "processor": "cash", "reference": "1", "pass_id": "30",
              "amount_paid": 500, "currency": "usd"},
        headers=shop.bearer.site(),
    )  # fmt: skip
    assert bought.status_code == 201, bought.text
    move_to(shop, 2027, 3, 5)
    (subscription,) = [one for one in (await shop.me())["subscriptions"] if one["kind"] == "stripe"]
    request = {"subscription_id": subscription["id"], "when": "now"}
    planned = (await shop.post("subscription/cancel", dry_run=True, **request)).json()
    done = (await shop.post("subscription/cancel", **request)).json()
    end = "2027-04-04T00:00:00Z"
    assert (planned["access_until"], done["access_until"]) == (end, end)
    assert done["receipt"]["access_until"] == end
    ends = {one["kind"]: one["access_until"] for one in (await shop.me())["subscriptions"]}
    assert ends["pass"] == end
    await shop.deliver_events()
    ends = {one["kind"]: one["access_until"] for one in (await shop.me())["subscriptions"]}
    assert ends["pass"] == end
