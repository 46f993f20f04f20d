"""Checkout: paid, declined, paid later, free, tried first, left."""

import pytest
import stripe

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.checkout import pay_session, settle_session
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.errors import ApiError
from tests.sandbox.stripe.shop import DAY, Shop


async def test_a_pack_is_paid_for(shop: Shop) -> None:
    session = await shop.paid(await shop.session(shop.goods.pack, client_reference_id="c1"))
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert (session.amount_total, session.client_reference_id) == (500, "c1")
    assert session.url is None
    intent = await shop.stripe.payment_intents.retrieve_async(str(session.payment_intent))
    assert (intent.status, intent.amount_received) == ("succeeded", 500)
    assert shop.told()[-3:] == [
        "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
    ]  # fmt: skip


async def test_a_session_is_found_by_its_payment(shop: Shop) -> None:
    session = await shop.paid(await shop.session(shop.goods.pack))
    await shop.paid(await shop.session(shop.goods.pack))
    found = await shop.stripe.checkout.sessions.list_async(
        {"payment_intent": str(session.payment_intent)}
    )
    assert [each.id for each in found.data] == [session.id]


async def test_a_declined_card_leaves_the_page_open(shop: Shop) -> None:
    session_id = await shop.session(shop.goods.gold)
    with pytest.raises(ApiError, match="declined"):
        pay_session(shop.account, session_id, Card.DECLINES)
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert not list(shop.account.find_all("subscription"))
    assert (await shop.paid(session_id)).payment_status == "paid"


@pytest.mark.parametrize("paid", [True, False])
async def test_a_pack_can_be_paid_later(shop: Shop, *, paid: bool) -> None:
    session_id = await shop.session(shop.goods.pack)
    pay_session(shop.account, session_id, later=True)
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    settle_session(shop.account, session_id, paid=paid)
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.payment_status == ("paid" if paid else "unpaid")
    outcome = "succeeded" if paid else "failed"
    assert shop.told()[-1] == f"checkout.session.async_payment_{outcome}"


@pytest.mark.parametrize(("paid", "status"), [(True, "active"), (False, "past_due")])
async def test_a_plan_can_be_paid_later(shop: Shop, *, paid: bool, status: str) -> None:
    session_id = await shop.session(shop.goods.gold)
    pay_session(shop.account, session_id, later=True)
    (subscription,) = shop.account.find_all("subscription")
    (invoice,) = await shop.invoices(subscription["id"])
    assert (subscription["status"], invoice.status) == ("active", "open")
    settle_session(shop.account, session_id, paid=paid)
    assert (await shop.subscription(subscription["id"])).status == status


async def test_a_code_that_takes_everything_off_makes_it_free(shop: Shop) -> None:
    create_coupon(shop.account, {"id": "FREE", "percent_off": "100"})
    session_id = await shop.session(shop.goods.pack, allow_promotion_codes=True)
    pay_session(shop.account, session_id, code="FREE")
    session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert (session.amount_subtotal, session.amount_total) == (500, 0)
    assert (session.payment_status, session.payment_intent) == ("no_payment_required", None)


async def test_a_coupon_for_once_is_for_the_first_invoice(shop: Shop) -> None:
    create_coupon(shop.account, {"id": "FREE", "percent_off": "100"})
    subscription = await shop.subscribed(discounts=[{"coupon": "FREE"}])
    shop.stand_in.advance(32 * DAY)
    totals = [invoice.total for invoice in await shop.invoices(subscription.id)]
    assert totals == [900, 0]


async def test_a_trial_costs_nothing_until_it_ends(shop: Shop) -> None:
    subscription = await shop.subscribed(subscription_data={"trial_period_days": 7})
    (invoice,) = await shop.invoices(subscription.id)
    assert (subscription.status, invoice.status, invoice.total) == ("trialing", "paid", 0)
    shop.stand_in.advance(8 * DAY)
    first, _ = await shop.invoices(subscription.id)
    assert (await shop.subscription(subscription.id)).status == "active"
    assert (first.billing_reason, first.amount_paid) == ("subscription_cycle", 900)
    assert "customer.subscription.trial_will_end" in shop.told()


async def test_a_page_closes_after_a_day_or_when_told(shop: Shop) -> None:
    left, closed = await shop.session(shop.goods.pack), await shop.session(shop.goods.pack)
    await shop.stripe.checkout.sessions.expire_async(closed)
    shop.stand_in.advance(DAY)
    for session_id in (left, closed):
        session = await shop.stripe.checkout.sessions.retrieve_async(session_id)
        assert session.status == "expired"
        with pytest.raises(ApiError):
            pay_session(shop.account, session_id)
    assert shop.told("checkout.session.expired") == ["checkout.session.expired"] * 2


async def test_what_is_complete_cannot_be_expired(shop: Shop) -> None:
    session = await shop.paid(await shop.session(shop.goods.pack))
    with pytest.raises(stripe.InvalidRequestError, match="`complete`"):
        await shop.stripe.checkout.sessions.expire_async(session.id)


async def test_a_plan_is_not_sold_as_a_payment(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="recurring"):
        await shop.session(shop.goods.gold, mode="payment")


async def test_what_a_session_sells_can_be_read(shop: Shop) -> None:
    session_id = await shop.session(shop.goods.pack)
    lines = await shop.stripe.checkout.sessions.line_items.list_async(session_id)
    assert [(line.quantity, line.amount_total) for line in lines.data] == [(1, 500)]
