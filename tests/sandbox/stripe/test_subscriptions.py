"""Subscriptions: cancelled, resumed, switched, paused."""

from http import HTTPStatus

import pytest
import stripe

from paywall.sandbox.stripe.customer_deletion import delete_customer
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.portal import portal_cancel, portal_resume, portal_switch
from paywall.sandbox.stripe.schedules import schedule_end
from tests.sandbox.stripe.shop import DAY, HOUR, START, Shop

NOW = int(START.timestamp())


async def test_items_and_invoice_lines_have_the_period(shop: Shop) -> None:
    subscription = await shop.subscribe()
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
    assert line.pricing.price_details.price == shop.prices.gold


async def test_an_invoice_is_found_by_its_payment_intent(shop: Shop) -> None:
    subscription = await shop.subscribe()
    (intent,) = shop.account.find_all("payment_intent")
    found = await shop.stripe.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
    )
    assert [payment.invoice for payment in found.data] == [subscription.latest_invoice]


async def test_cancelling_at_period_end_ends_it_then(shop: Shop) -> None:
    subscription = await shop.subscribe()
    changed = await shop.change(subscription.id, cancel_at_period_end=True)
    assert (changed.status, changed.cancel_at) == ("active", NOW + 30 * DAY)
    shop.stand_in.advance(31 * DAY)
    ended = await shop.subscription(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", NOW + 30 * DAY)
    assert len(await shop.invoices(subscription.id)) == 1


async def test_a_resumed_subscription_renews(shop: Shop) -> None:
    subscription = await shop.subscribe()
    await shop.change(subscription.id, cancel_at_period_end=True)
    resumed = await shop.change(subscription.id, cancel_at_period_end=False)
    assert (resumed.cancel_at, resumed.canceled_at) == (None, None)
    shop.stand_in.advance(31 * DAY)
    assert (await shop.subscription(subscription.id)).status == "active"


async def test_the_portal_cancels_by_cancel_at_alone(shop: Shop) -> None:
    subscription = await shop.subscribe()
    portal_cancel(shop.account, subscription.id)
    cancelled = await shop.subscription(subscription.id)
    assert (cancelled.cancel_at, cancelled.cancel_at_period_end) == (NOW + 30 * DAY, False)
    same = await shop.change(subscription.id, cancel_at_period_end=False)
    assert same.cancel_at == NOW + 30 * DAY
    portal_resume(shop.account, subscription.id)
    assert (await shop.subscription(subscription.id)).cancel_at is None


async def test_cancelling_now_is_final(shop: Shop) -> None:
    subscription = await shop.subscribe()
    await shop.stripe.subscriptions.cancel_async(subscription.id)
    assert (await shop.subscription(subscription.id)).status == "canceled"
    assert (await shop.stripe.subscriptions.list_async({})).data == []
    assert len((await shop.stripe.subscriptions.list_async({"status": "all"})).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        await shop.stripe.subscriptions.cancel_async(subscription.id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        await shop.change(subscription.id, cancel_at_period_end=False)


async def test_an_upgrade_bills_the_rest_of_the_period(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.diamond)
    invoice = (await shop.invoices(subscription.id))[0]
    assert [line.amount for line in invoice.lines.data] == [-450, 950]
    assert (invoice.billing_reason, invoice.amount_paid) == ("subscription_update", 500)
    assert {line.period.end for line in invoice.lines.data} == {NOW + 30 * DAY}


async def test_a_downgrade_leaves_a_credit_balance(shop: Shop) -> None:
    subscription = await shop.subscribe(shop.prices.diamond)
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.gold)
    assert (await shop.stripe.customers.retrieve_async(shop.customer)).balance == -500
    shop.stand_in.advance(16 * DAY)
    renewal = (await shop.invoices(subscription.id))[0]
    assert (renewal.total, renewal.amount_due, renewal.amount_paid) == (900, 400, 400)


async def test_a_price_change_can_be_billed_on_the_next_invoice(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(15 * DAY)
    item = subscription["items"].data[0].id
    await shop.change(subscription.id, items=[{"id": item, "price": shop.prices.diamond}])
    assert len(await shop.invoices(subscription.id)) == 1
    shop.stand_in.advance(16 * DAY)
    renewal = (await shop.invoices(subscription.id))[0]
    assert [line.amount for line in renewal.lines.data] == [-450, 950, 1900]


async def test_a_price_with_another_interval_starts_a_period(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(15 * DAY)
    portal_switch(shop.account, subscription.id, shop.prices.yearly)
    item = (await shop.subscription(subscription.id))["items"].data[0]
    assert item.current_period_start == NOW + 15 * DAY
    assert item.current_period_end == NOW + 380 * DAY
    invoice = (await shop.invoices(subscription.id))[0]
    assert [line.amount for line in invoice.lines.data] == [-450, 9000]


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("void", "void"), ("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible")],
)
async def test_nothing_is_charged_while_collection_is_paused(
    shop: Shop, behavior: str, status: str
) -> None:
    subscription = await shop.subscribe()
    resumes_at = NOW + 45 * DAY
    pause = {"behavior": behavior, "resumes_at": resumes_at}
    await shop.change(subscription.id, pause_collection=pause)
    shop.stand_in.advance(31 * DAY)
    assert (await shop.invoices(subscription.id))[0].status == status
    shop.stand_in.advance(31 * DAY)
    assert (await shop.subscription(subscription.id)).pause_collection is None
    assert (await shop.invoices(subscription.id))[0].status == "paid"


@pytest.mark.parametrize(("missing", "status"), [("pause", "paused"), ("cancel", "canceled")])
async def test_a_trial_without_a_card_pauses_or_ends_as_configured(
    shop: Shop, missing: str, status: str
) -> None:
    trial = {
        "trial_period_days": 7,
        "trial_settings": {"end_behavior": {"missing_payment_method": missing}},
    }
    subscription = await shop.subscribe(
        card=Card.NONE, subscription_data=trial, payment_method_collection="if_required"
    )
    shop.stand_in.advance(8 * DAY)
    assert (await shop.subscription(subscription.id)).status == status


async def test_a_paused_subscription_can_be_resumed(shop: Shop) -> None:
    trial = {
        "trial_period_days": 7,
        "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
    }
    subscription = await shop.subscribe(card=Card.NONE, subscription_data=trial)
    shop.stand_in.advance(8 * DAY)
    await shop.pay(await shop.session(shop.prices.pack))
    resumed = await shop.stripe.subscriptions.resume_async(subscription.id)
    assert resumed.status == "active"
    assert (await shop.invoices(subscription.id))[0].amount_paid == 900


async def test_a_subscription_ends_at_its_cancel_date(shop: Shop) -> None:
    subscription = await shop.subscribe()
    await shop.change(subscription.id, cancel_at=NOW + 10 * DAY)
    shop.stand_in.advance(10 * DAY - HOUR)
    assert (await shop.subscription(subscription.id)).status == "active"
    shop.stand_in.advance(HOUR)
    assert (await shop.subscription(subscription.id)).status == "canceled"


async def test_cancelling_with_the_period_replaces_a_cancel_date(shop: Shop) -> None:
    subscription = await shop.subscribe()
    await shop.change(subscription.id, cancel_at=NOW + 75 * DAY)
    changed = await shop.change(subscription.id, cancel_at_period_end=True)
    assert (changed.cancel_at, changed.cancel_at_period_end) == (NOW + 30 * DAY, True)


async def test_a_schedule_alone_decides_about_the_end_until_it_is_released(shop: Shop) -> None:
    subscription = await shop.subscribe()
    schedule = schedule_end(shop.account, subscription.id, NOW + 75 * DAY)["id"]
    assert (await shop.subscription(subscription.id)).cancel_at == NOW + 75 * DAY
    for change in ({"cancel_at": ""}, {"cancel_at_period_end": True}):
        with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription"):
            await shop.change(subscription.id, **change)
    released = await shop.stripe.subscription_schedules.release_async(schedule)
    assert (released.status, released.released_subscription) == ("released", subscription.id)
    after = await shop.subscription(subscription.id)
    assert (after.cancel_at, after.schedule) == (None, None)
    with pytest.raises(stripe.InvalidRequestError, match="`released` status"):
        await shop.stripe.subscription_schedules.release_async(schedule)


async def test_a_released_schedule_can_leave_its_end_date(shop: Shop) -> None:
    subscription = await shop.subscribe()
    schedule = schedule_end(shop.account, subscription.id, NOW + 75 * DAY)["id"]
    keep: stripe.params.SubscriptionScheduleReleaseParams = {"preserve_cancel_date": True}
    await shop.stripe.subscription_schedules.release_async(schedule, keep)
    assert (await shop.subscription(subscription.id)).cancel_at == NOW + 75 * DAY
    assert (await shop.stripe.subscription_schedules.retrieve_async(schedule)).subscription is None


async def test_a_subscription_cannot_switch_to_a_one_time_price(shop: Shop) -> None:
    subscription = await shop.subscribe()
    with pytest.raises(ApiError, match="type=recurring") as refused:
        portal_switch(shop.account, subscription.id, shop.prices.pack)
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    assert await shop.subscription(subscription.id) == subscription


async def test_deleting_a_customer_ends_its_subscriptions(shop: Shop) -> None:
    subscription = await shop.subscribe()
    delete_customer(shop.account, shop.customer)
    assert (await shop.subscription(subscription.id)).status == "canceled"
    assert shop.event_types()[-2:] == ["customer.subscription.deleted", "customer.deleted"]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer") as refused:
        await shop.session(shop.prices.pack)
    assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")
