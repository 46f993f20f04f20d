"""What is credited and charged for the rest of a period when a subscription changes."""

from collections.abc import Sequence
from typing import Any

from stripe import InvoiceLineItem

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.checkout import pay_session
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.portal import portal_switch
from tests.sandbox.stripe.shop import DAY, HOUR, START, Shop

NOW = int(START.timestamp())


def credited(line: InvoiceLineItem) -> Json | None:
    assert line.parent is not None
    details = line.parent.subscription_item_details
    assert details is not None
    assert details.proration_details is not None
    items = details.proration_details.credited_items
    return None if items is None else dict(items.to_dict())


def amounts(lines: Sequence[Any]) -> list[int]:
    return [line.amount for line in lines]


async def change(shop: Shop, subscription_id: str, **change: object) -> None:
    item = (await shop.subscription(subscription_id))["items"].data[0].id
    behavior = change.pop("proration_behavior", "create_prorations")
    await shop.change(subscription_id, items=[{"id": item, **change}], proration_behavior=behavior)


async def test_a_credit_names_the_invoice_that_it_credits(shop: Shop) -> None:
    subscription = await shop.subscribe()
    (first,) = await shop.invoices(subscription.id)
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.yearly)
    credit, charge = (await shop.invoices(subscription.id))[0].lines.data
    assert credited(credit) == {
        "invoice": first.id,
        "invoice_line_items": [first.lines.data[0].id],
    }
    assert credited(charge) is None


async def test_a_second_switch_credits_the_charge_of_the_first(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(10 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.diamond)
    switch = (await shop.invoices(subscription.id))[0]
    shop.stand_in.advance(10 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.gold)
    credit, charge = (await shop.invoices(subscription.id))[0].lines.data
    assert (credit.amount, charge.amount) == (-634, 300)
    assert credited(credit) == {
        "invoice": switch.id,
        "invoice_line_items": [switch.lines.data[1].id],
    }


async def test_a_credit_for_a_charge_not_invoiced_yet_names_nothing(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(10 * DAY)
    await change(shop, subscription.id, price=shop.prices.diamond)
    shop.stand_in.advance(10 * DAY)
    await change(shop, subscription.id, price=shop.prices.gold)
    shop.stand_in.advance(10 * DAY + HOUR)
    renewal = (await shop.invoices(subscription.id))[0]
    assert amounts(renewal.lines.data) == [-600, 1267, -634, 300, 900]
    first, *others = [credited(line) for line in renewal.lines.data]
    assert first is not None
    assert others == [None] * 4


async def test_a_credit_is_a_share_of_what_was_paid_after_discounts(shop: Shop) -> None:
    create_coupon(shop.account, {"id": "HALF", "percent_off": "50"})
    session = await shop.session(shop.prices.gold, allow_promotion_codes=True)
    pay_session(shop.account, session, code="HALF")
    (subscription,) = shop.account.find_all("subscription")
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription["id"], shop.prices.yearly)
    assert amounts((await shop.invoices(subscription["id"]))[0].lines.data) == [-225, 9000]


async def test_another_quantity_is_credited_and_charged(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(15 * DAY)
    await change(shop, subscription.id, quantity=3, proration_behavior="always_invoice")
    assert amounts((await shop.invoices(subscription.id))[0].lines.data) == [-450, 1350]


async def test_without_proration_nothing_is_credited(shop: Shop) -> None:
    subscription = await shop.subscribe(shop.prices.yearly)
    shop.stand_in.advance(15 * DAY)
    await change(shop, subscription.id, price=shop.prices.gold, proration_behavior="none")
    assert amounts((await shop.invoices(subscription.id))[0].lines.data) == [900]


async def test_a_draft_uses_the_credit_balance_when_it_is_finalized(shop: Shop) -> None:
    subscription = await shop.subscribe(shop.prices.diamond)
    shop.stand_in.advance(30 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.gold)
    assert (await shop.stripe.customers.retrieve_async(shop.customer)).balance == -1000
    shop.stand_in.advance(HOUR)
    renewal = (await shop.invoices(subscription.id))[1]
    assert (renewal.starting_balance, renewal.ending_balance) == (-1000, 0)
    assert (renewal.total, renewal.amount_paid) == (1900, 900)


async def test_the_last_period_before_a_set_end_is_cut_and_costs_less(shop: Shop) -> None:
    subscription = await shop.subscribe()
    await shop.change(subscription.id, cancel_at=NOW + 75 * DAY)
    shop.stand_in.advance(62 * DAY)
    line = (await shop.invoices(subscription.id))[0].lines.data[0]
    assert line.period.end == NOW + 75 * DAY
    assert line.amount == round(900 * 14 / 31)
    shop.stand_in.advance(13 * DAY)
    assert (await shop.subscription(subscription.id)).status == "canceled"
