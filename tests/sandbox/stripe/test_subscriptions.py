"""Subscriptions: cancelled, resumed, switched, paused."""

from http import HTTPStatus

import pytest
import stripe

from paywall.sandbox.stripe.customer_deletion import delete_customer
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.portal import portal_cancel, portal_resume, portal_switch
from tests.sandbox.stripe.shop import DAY, HOUR, START, Shop

NOW = int(START.timestamp())


async def test_the_period_is_on_the_items_and_on_the_lines(shop: Shop) -> None:
    subscription = await shop.subscribed()
    item = subscription["items"].data[0]
    (invoice,) = await shop.invoices(subscription.id)
    line = invoice.lines.data[0]
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert (item.current_period_start, item.current_period_end) == (NOW, NOW + 30 * DAY)
    assert (line.period.start, line.period.end) == (NOW, NOW + 30 * DAY)
    assert line.pricing is not None
    assert line.pricing.price_details is not None
    assert line.pricing.price_details.price == shop.goods.gold


async def test_an_invoice_is_found_by_its_payment(shop: Shop) -> None:
    subscription = await shop.subscribed()
    (intent,) = shop.account.find_all("payment_intent")
    found = await shop.stripe.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
    )
    assert [payment.invoice for payment in found.data] == [subscription.latest_invoice]


async def test_cancelled_at_the_end_it_ends_at_the_end(shop: Shop) -> None:
    subscription = await shop.subscribed()
    changed = await shop.changed(subscription.id, cancel_at_period_end=True)
    assert (changed.status, changed.cancel_at) == ("active", NOW + 30 * DAY)
    shop.stand_in.advance(31 * DAY)
    ended = await shop.subscription(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", NOW + 30 * DAY)
    assert len(await shop.invoices(subscription.id)) == 1


async def test_resumed_it_goes_on(shop: Shop) -> None:
    subscription = await shop.subscribed()
    await shop.changed(subscription.id, cancel_at_period_end=True)
    resumed = await shop.changed(subscription.id, cancel_at_period_end=False)
    assert (resumed.cancel_at, resumed.canceled_at) == (None, None)
    shop.stand_in.advance(31 * DAY)
    assert (await shop.subscription(subscription.id)).status == "active"


async def test_the_portal_cancels_by_a_date_without_the_flag(shop: Shop) -> None:
    subscription = await shop.subscribed()
    portal_cancel(shop.account, subscription.id)
    cancelled = await shop.subscription(subscription.id)
    assert (cancelled.cancel_at, cancelled.cancel_at_period_end) == (NOW + 30 * DAY, False)
    same = await shop.changed(subscription.id, cancel_at_period_end=False)
    assert same.cancel_at == NOW + 30 * DAY
    portal_resume(shop.account, subscription.id)
    assert (await shop.subscription(subscription.id)).cancel_at is None


async def test_cancelled_now_it_is_over_and_stays_over(shop: Shop) -> None:
    subscription = await shop.subscribed()
    await shop.stripe.subscriptions.cancel_async(subscription.id)
    assert (await shop.subscription(subscription.id)).status == "canceled"
    assert (await shop.stripe.subscriptions.list_async({})).data == []
    assert len((await shop.stripe.subscriptions.list_async({"status": "all"})).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        await shop.stripe.subscriptions.cancel_async(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        await shop.changed(subscription.id, cancel_at_period_end=False)


async def test_a_dearer_price_bills_the_rest_of_the_period(shop: Shop) -> None:
    subscription = await shop.subscribed()
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.goods.diamond)
    invoice = (await shop.invoices(subscription.id))[0]
    assert [line.amount for line in invoice.lines.data] == [-450, 950]
    assert (invoice.billing_reason, invoice.amount_paid) == ("subscription_update", 500)
    assert {line.period.end for line in invoice.lines.data} == {NOW + 30 * DAY}


async def test_a_cheaper_price_leaves_the_customer_something_in_hand(shop: Shop) -> None:
    subscription = await shop.subscribed(shop.goods.diamond)
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.goods.gold)
    assert (await shop.stripe.customers.retrieve_async(shop.customer)).balance == -500
    shop.stand_in.advance(16 * DAY)
    renewal = (await shop.invoices(subscription.id))[0]
    assert (renewal.total, renewal.amount_due, renewal.amount_paid) == (900, 400, 400)


async def test_a_switch_can_wait_for_the_next_invoice(shop: Shop) -> None:
    subscription = await shop.subscribed()
    shop.stand_in.advance(15 * DAY)
    item = subscription["items"].data[0].id
    await shop.changed(subscription.id, items=[{"id": item, "price": shop.goods.diamond}])
    assert len(await shop.invoices(subscription.id)) == 1
    shop.stand_in.advance(16 * DAY)
    renewal = (await shop.invoices(subscription.id))[0]
    assert [line.amount for line in renewal.lines.data] == [-450, 950, 1900]


async def test_another_interval_begins_a_period_at_once(shop: Shop) -> None:
    subscription = await shop.subscribed()
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.goods.yearly)
    item = (await shop.subscription(subscription.id))["items"].data[0]
    assert item.current_period_start == NOW + 15 * DAY
    assert item.current_period_end == NOW + 380 * DAY
    invoice = (await shop.invoices(subscription.id))[0]
    assert [line.amount for line in invoice.lines.data] == [-450, 9000]


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("void", "void"), ("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible")],
)
async def test_while_collection_is_paused_nothing_is_charged(
    shop: Shop, behavior: str, status: str
) -> None:
    subscription = await shop.subscribed()
    resumes_at = NOW + 45 * DAY
    pause = {"behavior": behavior, "resumes_at": resumes_at}
    await shop.changed(subscription.id, pause_collection=pause)
    shop.stand_in.advance(31 * DAY)
    assert (await shop.invoices(subscription.id))[0].status == status
    shop.stand_in.advance(31 * DAY)
    assert (await shop.subscription(subscription.id)).pause_collection is None
    assert (await shop.invoices(subscription.id))[0].status == "paid"


@pytest.mark.parametrize(("missing", "status"), [("pause", "paused"), ("cancel", "canceled")])
async def test_a_trial_without_a_card_ends_as_it_was_told(
    shop: Shop, missing: str, status: str
) -> None:
    trial = {
        "trial_period_days": 7,
        "trial_settings": {"end_behavior": {"missing_payment_method": missing}},
    }
    subscription = await shop.subscribed(
        card=Card.NONE, subscription_data=trial, payment_method_collection="if_required"
    )
    shop.stand_in.advance(8 * DAY)
    assert (await shop.subscription(subscription.id)).status == status


async def test_what_was_paused_can_be_resumed(shop: Shop) -> None:
    trial = {
        "trial_period_days": 7,
        "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
    }
    subscription = await shop.subscribed(card=Card.NONE, subscription_data=trial)
    shop.stand_in.advance(8 * DAY)
    await shop.paid(await shop.session(shop.goods.pack))
    resumed = await shop.stripe.subscriptions.resume_async(subscription.id)
    assert resumed.status == "active"
    assert (await shop.invoices(subscription.id))[0].amount_paid == 900


async def test_a_date_to_end_at_is_kept(shop: Shop) -> None:
    subscription = await shop.subscribed()
    await shop.changed(subscription.id, cancel_at=NOW + 10 * DAY)
    shop.stand_in.advance(10 * DAY - HOUR)
    assert (await shop.subscription(subscription.id)).status == "active"
    shop.stand_in.advance(HOUR)
    assert (await shop.subscription(subscription.id)).status == "canceled"


async def test_a_price_that_is_paid_once_is_no_price_to_switch_to(shop: Shop) -> None:
    subscription = await shop.subscribed()
    with pytest.raises(ApiError, match="type=recurring") as refused:
        portal_switch(shop.account, subscription.id, shop.goods.pack)
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    assert await shop.subscription(subscription.id) == subscription


async def test_with_its_customer_a_subscription_ends(shop: Shop) -> None:
    subscription = await shop.subscribed()
    delete_customer(shop.account, shop.customer)
    assert (await shop.subscription(subscription.id)).status == "canceled"
    assert shop.told()[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer") as refused:
        await shop.session(shop.goods.pack)
    assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")
