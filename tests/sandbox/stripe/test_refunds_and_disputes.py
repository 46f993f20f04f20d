"""Refunds in full, in part and failed; disputes and inquiries."""

import pytest
import stripe

from paywall.sandbox.stripe.disputes import (
    close_dispute,
    escalate_inquiry,
    open_dispute,
    submit_evidence,
)
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.refunds import complete_refund, create_pending_refund, fail_refund
from tests.sandbox.stripe.shop import Shop


async def test_partial_refunds_never_exceed_the_charge(shop: Shop) -> None:
    charge = await shop.buy_pack()
    await shop.stripe.refunds.create_async({"charge": charge.id, "amount": 200})
    part = await shop.stripe.charges.retrieve_async(charge.id)
    assert (part.amount_refunded, part.refunded) == (200, False)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await shop.stripe.refunds.create_async({"charge": charge.id, "amount": 301})
    await shop.stripe.refunds.create_async({"payment_intent": str(charge.payment_intent)})
    whole = await shop.stripe.charges.retrieve_async(charge.id)
    assert (whole.amount_refunded, whole.refunded) == (500, True)
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        await shop.stripe.refunds.create_async({"charge": charge.id})


async def test_a_refund_can_fail(shop: Shop) -> None:
    charge = await shop.buy_pack()
    refund = await shop.stripe.refunds.create_async({"charge": charge.id})
    fail_refund(shop.account, refund.id)
    again = await shop.stripe.charges.retrieve_async(charge.id)
    assert (again.amount_refunded, again.refunded) == (0, False)
    assert "refund.failed" in shop.event_types()
    listed = await shop.stripe.refunds.list_async({"payment_intent": str(charge.payment_intent)})
    assert [listed_refund.status for listed_refund in listed.data] == ["failed"]


@pytest.mark.parametrize("won", [True, False])
async def test_a_won_dispute_reinstates_the_withdrawn_funds(shop: Shop, *, won: bool) -> None:
    charge = await shop.buy_pack()
    dispute = open_dispute(shop.account, charge.id)
    submit_evidence(shop.account, dispute["id"])
    close_dispute(shop.account, dispute["id"], won=won)
    found = await shop.stripe.disputes.list_async({"payment_intent": str(charge.payment_intent)})
    assert [dispute.status for dispute in found.data] == ["won" if won else "lost"]
    types = [name for name in shop.event_types() if name.startswith("charge.dispute")]
    assert types[:2] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert ("charge.dispute.funds_reinstated" in types) == won
    with pytest.raises(ApiError, match="closed"):
        close_dispute(shop.account, dispute["id"], won=True)


async def test_an_inquiry_withdraws_funds_once_it_is_a_dispute(shop: Shop) -> None:
    charge = await shop.buy_pack()
    inquiry = open_dispute(shop.account, charge.id, inquiry=True)
    assert inquiry["status"] == "warning_needs_response"
    assert "charge.dispute.funds_withdrawn" not in shop.event_types()
    escalate_inquiry(shop.account, inquiry["id"])
    assert inquiry["status"] == "needs_response"
    assert "charge.dispute.funds_withdrawn" in shop.event_types()


async def test_closing_an_inquiry_moves_no_money(shop: Shop) -> None:
    charge = await shop.buy_pack()
    inquiry = open_dispute(shop.account, charge.id, inquiry=True)
    close_dispute(shop.account, inquiry["id"], won=False)
    assert inquiry["status"] == "warning_closed"


async def test_a_refund_can_be_pending(shop: Shop) -> None:
    charge = await shop.buy_pack()
    refund = create_pending_refund(shop.account, charge.id, 200)
    assert (await shop.stripe.refunds.retrieve_async(refund["id"])).status == "pending"
    assert (await shop.stripe.charges.retrieve_async(charge.id)).amount_refunded == 200
    complete_refund(shop.account, refund["id"])
    assert (await shop.stripe.refunds.retrieve_async(refund["id"])).status == "succeeded"
    with pytest.raises(ApiError, match="not pending"):
        complete_refund(shop.account, refund["id"])
