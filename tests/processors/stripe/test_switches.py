"""Switches of prices: the credited period ends, and its credits go back with its money."""

import pytest
from sqlmodel import select

from paywall.database.tables import StripeInvoice, StripeProration, Subscription
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe import events, refunds
from paywall.sandbox.stripe.catalogue import create_price
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.sandbox.stripe.subscriptions import cancel_subscription
from paywall.settings import Settings
from tests.processors.stripe.shop import SECRET
from tests.processors.stripe.stocked import PLANS, Stocked
from tests.test_story import put_article, unlock

# A tenth of a year, and the whole of a month, from the start of the tests.
TENTH_OF_A_YEAR, MONTH = 36.5, 30


async def test_a_year_cannot_be_spent_as_credits_and_taken_back_as_balance(
    stocked: Stocked,
) -> None:
    """A tenth of it was used: of 24 credits 22 go back with nine tenths of its price."""
    shop = stocked.shop
    await stocked.buy("annual")
    shop.move(days=TENTH_OF_A_YEAR)
    now = {"prorate": "true", "invoice_now": "true"}
    cancel_subscription(shop.stand_in.account, now, stocked.subscription_id)
    assert await stocked.shown() == ("2026-12-31T00:00:00Z", 2)
    assert shop.only("customer")["balance"] == -5400
    answers = []
    for n in range(5):
        await put_article(shop.service, shop.bearer, f"a{n}")
        answers.append((await unlock(shop.service, shop.bearer, "ann", f"a{n}")).status_code)
    assert answers == [201, 201, 409, 409, 409]


async def test_articles_paid_with_a_year_go_back_when_its_credit_is_seen_late(
    stocked: Stocked,
) -> None:
    shop = stocked.shop
    await stocked.buy("annual")
    shop.move(days=TENTH_OF_A_YEAR)
    now = {"prorate": "true", "invoice_now": "true"}
    cancel_subscription(shop.stand_in.account, now, stocked.subscription_id)
    deliveries = events.drain_deliveries(shop.stand_in.account, SECRET)
    # The subscription's end alone arrives, and the reader gives up the paid time to spend credits.
    async with shop.database.writing() as session:
        mine = await session.get_one(Subscription, stocked.subscription_id)
        mine.ended_at = shop.clock.at
        mine.entitled_until = mine.access_until = shop.clock.at
        session.add(mine)
    for n in range(10):
        await put_article(shop.service, shop.bearer, f"a{n}")
        assert (await unlock(shop.service, shop.bearer, "ann", f"a{n}")).status_code == 201
    for delivery in deliveries:
        assert (await shop.send(delivery)).status_code == 200
    assert (await stocked.shown())[1] == 0
    read = await shop.service.get("/v1/me/unlocks", headers=shop.bearer.reader("ann"))
    assert sorted(one["article_id"] for one in read.json()["items"]) == ["a0", "a1"]


async def test_switching_back_and_forth_on_the_balance_multiplies_no_credits(
    stocked: Stocked,
) -> None:
    """The balance of the first year pays for all that follows, so it costs no money."""
    await stocked.buy("annual")
    for plan_id, left in (("small", 2), ("annual", 24), ("small", 2), ("annual", 24)):
        stocked.switch(plan_id)
        assert (await stocked.shown())[1] == left
    assert [one["amount_paid"] for one in await stocked.purchases()] == [0, 0, 0, 0, 6000]
    stocked.shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 24 - 22 + 2)


@pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])
async def test_a_credited_period_that_the_balance_paid_counts_in_any_order(
    stocked: Stocked, step: int
) -> None:
    shop = stocked.shop
    await stocked.buy("annual")
    stocked.switch("small")
    shop.move(days=MONTH / 2)
    stocked.switch("annual")
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200
    assert (await stocked.shown())[1] == 2 - 1 + 24


async def test_a_switch_to_months_leaves_the_month_that_was_paid(stocked: Stocked) -> None:
    await stocked.buy("annual")
    assert await stocked.shown() == ("2027-11-24T12:00:00Z", 24)
    stocked.shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 24 - 22 + 2)
    assert stocked.shop.only("customer")["balance"] == 600 - 5400
    month, year = await stocked.purchases()
    assert (year["plan_id"], year["refunded"], year["paid_until"]) == (
        "annual", 0, "2026-12-31T00:00:00Z",
    )  # fmt: skip
    assert (month["plan_id"], month["amount_paid"], month["paid_until"]) == (
        "small", 0, "2027-01-31T00:00:00Z",
    )  # fmt: skip
    stocked.shop.move(days=31.5)
    assert await stocked.shown() == ("2027-02-28T00:00:00Z", 24 - 22 + 4)


@pytest.mark.parametrize("step", [1, -1], ids=["in_order", "swapped"])
async def test_a_credit_counts_in_any_order_of_arrival(stocked: Stocked, step: int) -> None:
    shop = stocked.shop
    await shop.buy(plan_id="annual")
    shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET)[::step]:
        assert (await shop.send(delivery)).status_code == 200
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 24 - 22 + 2)


async def test_reconciling_finds_a_credit_of_which_no_event_arrived(
    stocked: Stocked, settings: Settings
) -> None:
    shop = stocked.shop
    await stocked.buy("annual")
    shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    events.drain_deliveries(shop.stand_in.account, SECRET)
    await reconcile(StripeContext(shop.database, shop.stripe_client, settings))
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 24 - 22 + 2)


async def test_a_year_for_a_month_takes_back_the_rest_of_the_month(stocked: Stocked) -> None:
    await stocked.buy("small")
    stocked.shop.move(days=MONTH / 2)
    stocked.switch("annual")
    assert await stocked.shown() == ("2027-12-09T12:00:00Z", 2 - 1 + 24)


@pytest.mark.parametrize(
    ("before", "after", "proration", "left"),
    [
        ("small", "large", "always_invoice", 2 - 1 + 3),
        ("large", "small", "always_invoice", 6 - 3 + 1),
        ("small", "large", "create_prorations", 2 - 1),
        ("large", "small", "create_prorations", 6 - 3),
    ],
)
async def test_half_a_month_of_each_plan_leaves_half_of_the_credits_of_each(
    stocked: Stocked, before: str, after: str, proration: str, left: int
) -> None:
    """Where the rest of the month is billed with the next one, it is over: it grants nothing."""
    await stocked.buy(before)
    stocked.shop.move(days=MONTH / 2)
    stocked.change(proration, price=stocked.prices[after])
    is_now = proration == "always_invoice"
    assert await stocked.shown() == ("2026-12-24T12:00:00Z", left if is_now else PLANS[before][2])
    stocked.shop.move(days=MONTH / 2 + 0.5)
    assert await stocked.shown() == ("2027-01-24T12:00:00Z", left + PLANS[after][2])


async def test_another_quantity_takes_and_grants_the_credits_of_the_rest(stocked: Stocked) -> None:
    await stocked.buy("large")
    stocked.change("none", quantity="3")
    stocked.shop.move(days=MONTH + 0.5)
    assert await stocked.shown() == ("2027-01-24T12:00:00Z", 12)
    stocked.change("always_invoice", quantity="1")
    assert await stocked.shown() == ("2027-01-24T12:00:00Z", 12 - 6 + 5)


async def test_a_switch_to_a_price_of_no_plan_grants_nothing(stocked: Stocked) -> None:
    await stocked.buy("large")
    product = stocked.shop.only("subscription")["items"]["data"][0]["price"]["product"]
    made = {"currency": "usd", "unit_amount": "600", "product": product,
            "recurring": {"interval": "month"}}  # fmt: skip
    stocked.prices["own"] = create_price(stocked.shop.stand_in.account, made)["id"]
    stocked.shop.move(days=MONTH / 2)
    stocked.switch("own")
    assert await stocked.shown() == ("2026-12-24T12:00:00Z", 6 - 3)


async def test_a_round_of_three_switches_multiplies_no_credits(stocked: Stocked) -> None:
    """Month, dearer month, year, and back: the first month's credits are credited in money."""
    await stocked.buy("small")
    left = []
    for _ in range(3):
        for plan in ("large", "annual", "small"):
            stocked.switch(plan)
            stocked.shop.move(days=1)
            await stocked.shown()
        left.append((await stocked.shown())[1])
    assert left == [2, 2, 2]


async def test_a_period_paid_partly_by_balance_gives_up_its_share(stocked: Stocked) -> None:
    await stocked.buy("annual")
    stocked.switch("small")
    await stocked.shown()
    stocked.shop.only("customer")["balance"] = -5300
    stocked.switch("annual")
    await stocked.shown()
    stocked.shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    assert (await stocked.shown())[1] == 24 - 22 + 2


async def test_a_switch_without_proration_takes_nothing_back(stocked: Stocked) -> None:
    await stocked.buy("annual")
    stocked.shop.move(days=TENTH_OF_A_YEAR)
    stocked.change("none", price=stocked.prices["small"])
    assert await stocked.shown() == ("2027-11-24T12:00:00Z", 24 + 2)


async def test_a_switch_that_is_not_paid_takes_nothing_back_yet(stocked: Stocked) -> None:
    await stocked.buy("small")
    set_card(stocked.shop.stand_in.account, stocked.shop.only("customer")["id"], Card.DECLINES)
    stocked.shop.move(days=MONTH / 2)
    stocked.switch("annual")
    assert await stocked.shown() == ("2026-12-27T12:00:00Z", 2)
    set_card(stocked.shop.stand_in.account, stocked.shop.only("customer")["id"], Card.PAYS)
    stocked.shop.move(days=4)
    assert await stocked.shown() == ("2027-12-09T12:00:00Z", 2 - 1 + 24)


async def test_a_refund_of_the_rest_of_a_credited_year_leaves_the_month(stocked: Stocked) -> None:
    await stocked.buy("annual")
    stocked.shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    charge = next(stocked.shop.stand_in.account.find_all("charge"))["id"]
    refunds.create_refund(stocked.shop.stand_in.account, {"charge": charge, "amount": "600"})
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 2)
    _, year = await stocked.purchases()
    assert year["refunded"] == 600


async def test_an_invoice_of_an_earlier_release_gets_its_period_and_credits(
    stocked: Stocked, settings: Settings
) -> None:
    """Which took the end of a credit's period for the end of the time that was paid."""
    shop = stocked.shop
    await stocked.buy("annual")
    shop.move(days=TENTH_OF_A_YEAR)
    stocked.switch("small")
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 24 - 22 + 2)
    async with shop.database.writing() as session:
        for credit in (await session.exec(select(StripeProration))).all():
            await session.delete(credit)
        for invoice in (await session.exec(select(StripeInvoice))).all():
            invoice.period_starts_at = None
            invoice.period_ends_at = max(invoice.period_ends_at, shop.clock.at.replace(year=2027))
            session.add(invoice)
    await reconcile(StripeContext(shop.database, shop.stripe_client, settings))
    assert await stocked.shown() == ("2027-01-31T00:00:00Z", 24 - 22 + 2)
