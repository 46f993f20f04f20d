"""What the clock does to a subscription: drafts, charges, retries, ends."""

import pytest

from paywall.sandbox.stripe.customers import Card, set_card
from tests.sandbox.stripe.shop import DAY, HOUR, Shop


async def test_a_renewal_invoice_is_a_draft_for_an_hour(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(30 * DAY)
    assert (await shop.invoices(subscription.id))[0].status == "draft"
    shop.stand_in.advance(HOUR)
    renewal = (await shop.invoices(subscription.id))[0]
    assert (renewal.status, renewal.billing_reason) == ("paid", "subscription_cycle")


async def test_a_step_of_a_year_renews_every_month(shop: Shop) -> None:
    subscription = await shop.subscribe()
    shop.stand_in.advance(365 * DAY)
    listed = await shop.stripe.invoices.list_async({"subscription": subscription.id, "limit": 20})
    assert [invoice.status for invoice in listed.data] == ["draft"] + ["paid"] * 12
    starts = [invoice.lines.data[0].period.start for invoice in listed.data]
    ends = [invoice.lines.data[0].period.end for invoice in listed.data]
    assert starts[:-1] == ends[1:]


async def test_a_declined_renewal_is_retried_before_it_cancels(shop: Shop) -> None:
    subscription = await shop.subscribe(card=Card.PAYS_ONCE)
    shop.stand_in.advance(31 * DAY)
    late = await shop.subscription(subscription.id)
    (invoice, _) = await shop.invoices(subscription.id)
    assert (late.status, invoice.status, invoice.attempt_count) == ("past_due", "open", 1)
    assert invoice.next_payment_attempt is not None
    shop.stand_in.advance(10 * DAY)
    over = await shop.subscription(subscription.id)
    assert over.status == "canceled"
    assert over.cancellation_details is not None
    assert over.cancellation_details.reason == "payment_failed"
    assert len(shop.event_types("invoice.payment_failed")) == 4


async def test_a_successful_retry_reactivates_a_subscription(shop: Shop) -> None:
    subscription = await shop.subscribe(card=Card.PAYS_ONCE)
    shop.stand_in.advance(31 * DAY)
    set_card(shop.account, shop.customer, Card.PAYS)
    shop.stand_in.advance(3 * DAY)
    assert (await shop.subscription(subscription.id)).status == "active"
    assert (await shop.invoices(subscription.id))[0].attempt_count == 2


async def test_a_subscription_can_stay_unpaid_after_the_last_retry(shop: Shop) -> None:
    shop.account.after_retries = "unpaid"
    subscription = await shop.subscribe(card=Card.PAYS_ONCE)
    shop.stand_in.advance(65 * DAY)
    assert (await shop.subscription(subscription.id)).status == "unpaid"
    newest, older, _ = await shop.invoices(subscription.id)
    assert (newest.status, older.status) == ("draft", "open")


@pytest.mark.parametrize("steps", [1, 7, 100])
async def test_the_size_of_clock_steps_changes_nothing(shop: Shop, steps: int) -> None:
    await shop.subscribe()
    for _ in range(steps):
        shop.stand_in.advance(100 * DAY // steps)
    assert shop.event_types("invoice.paid") == ["invoice.paid"] * 4
