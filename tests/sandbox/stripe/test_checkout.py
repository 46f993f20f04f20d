"""Checkout sessions: paid, declined, delayed, discounted, on trial, expired."""

import pytest
import stripe

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.checkout import pay_session, settle_session
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.errors import ApiError
from tests.sandbox.stripe.shop import DAY, Shop


async def test_a_paid_session_completes_and_emits_its_events(shop: Shop) -> None:
    session = await shop.pay(await shop.session(shop.prices.pack, client_reference_id="c1"))
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert (session.amount_total, session.client_reference_id) == (500, "c1")
    assert session.url is None
    intent = await shop.stripe.payment_intents.retrieve_async(str(session.payment_intent))
    assert (intent.status, intent.amount_received) == ("succeeded", 500)
    assert shop.event_types()[-3:] == [
        "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
    ]  # fmt: skip


async def test_a_session_is_found_by_its_payment_intent(shop: Shop) -> None:
    session = await shop.pay(await shop.session(shop.prices.pack))
    await shop.pay(await shop.session(shop.prices.pack))
    found = await shop.stripe.checkout.sessions.list_async(
        {"payment_intent": str(session.payment_intent)}
    )
    assert [listed.id for listed in found.data] == [session.id]


async def test_a_declined_card_leaves_the_session_open(shop: Shop) -> None:
    session_id = await shop.session(shop.prices.gold)
    with pytest.raises(ApiError, match="declined"):
        pay_session(shop.account, session_id, Card.DECLINES)
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert not list(shop.account.find_all("subscription"))
    assert (await shop.pay(session_id)).payment_status == "paid"


@pytest.mark.parametrize("paid", [True, False])
async def test_a_delayed_payment_of_a_pack_can_succeed_or_fail(shop: Shop, *, paid: bool) -> None:
    session_id = await shop.session(shop.prices.pack)
    pay_session(shop.account, session_id, later=True)
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    settle_session(shop.account, session_id, paid=paid)
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.payment_status == ("paid" if paid else "unpaid")
    outcome = "succeeded" if paid else "failed"
    assert shop.event_types()[-1] == f"checkout.session.async_payment_{outcome}"


@pytest.mark.parametrize(("paid", "status"), [(True, "active"), (False, "past_due")])
async def test_a_delayed_payment_of_a_plan_can_succeed_or_fail(
    shop: Shop, *, paid: bool, status: str
) -> None:
    session_id = await shop.session(shop.prices.gold)
    pay_session(shop.account, session_id, later=True)
    (subscription,) = shop.account.find_all("subscription")
    (invoice,) = await shop.invoices(subscription["id"])
    assert (subscription["status"], invoice.status) == ("active", "open")
    settle_session(shop.account, session_id, paid=paid)
    assert (await shop.subscription(subscription["id"])).status == status


async def test_a_full_discount_needs_no_payment(shop: Shop) -> None:
    create_coupon(shop.account, {"id": "FREE", "percent_off": "100"})
    session_id = await shop.session(shop.prices.pack, allow_promotion_codes=True)
    pay_session(shop.account, session_id, code="FREE")
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert (session.amount_subtotal, session.amount_total) == (500, 0)
    assert (session.payment_status, session.payment_intent) == ("no_payment_required", None)


async def test_a_coupon_for_once_discounts_the_first_invoice(shop: Shop) -> None:
    create_coupon(shop.account, {"id": "FREE", "percent_off": "100"})
    subscription = await shop.subscribe(discounts=[{"coupon": "FREE"}])
    shop.stand_in.advance(32 * DAY)
    totals = [invoice.total for invoice in await shop.invoices(subscription.id)]
    assert totals == [900, 0]


async def test_a_trial_costs_nothing_until_it_ends(shop: Shop) -> None:
    subscription = await shop.subscribe(subscription_data={"trial_period_days": 7})
    (invoice,) = await shop.invoices(subscription.id)
    assert (subscription.status, invoice.status, invoice.total) == ("trialing", "paid", 0)
    shop.stand_in.advance(8 * DAY)
    first, _ = await shop.invoices(subscription.id)
    assert (await shop.subscription(subscription.id)).status == "active"
    assert (first.billing_reason, first.amount_paid) == ("subscription_cycle", 900)
    assert "customer.subscription.trial_will_end" in shop.event_types()


async def test_a_session_expires_after_a_day_or_on_request(shop: Shop) -> None:
    left, closed = await shop.session(shop.prices.pack), await shop.session(shop.prices.pack)
    await shop.stripe.checkout.sessions.expire_async(closed)
    shop.stand_in.advance(DAY)
    for session_id in (left, closed):
        session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
        assert session.status == "expired"
        with pytest.raises(ApiError):
            pay_session(shop.account, session_id)
    assert shop.event_types("checkout.session.expired") == ["checkout.session.expired"] * 2


async def test_a_complete_session_cannot_be_expired(shop: Shop) -> None:
    session = await shop.pay(await shop.session(shop.prices.pack))
    with pytest.raises(stripe.InvalidRequestError, match="`complete`"):
        await shop.stripe.checkout.sessions.expire_async(session.id)


async def test_a_plan_is_not_sold_as_a_payment(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="recurring"):
        await shop.session(shop.prices.gold, mode="payment")


async def test_a_sessions_line_items_can_be_listed(shop: Shop) -> None:
    session_id = await shop.session(shop.prices.pack)
    lines = await shop.stripe.checkout.sessions.line_items.list_async(session_id)
    assert [(line.quantity, line.amount_total) for line in lines.data] == [(1, 500)]
