"""What follows from a subscription and an invoice as Stripe says they are."""

from datetime import timedelta

import pytest

from paywall.processors.stripe.objects import (
    InvoiceLine,
    StripeInvoiceSnapshot,
    StripeSubscriptionSnapshot,
)
from paywall.rules.enums import StripeStatus
from tests.conftest import START

END = START + timedelta(days=30)
SEEN = StripeSubscriptionSnapshot(
    id="sub_1",
    customer_id="cus_1",
    status=StripeStatus.ACTIVE,
    price_id="price_1",
    started_at=START,
    period_ends_at=END,
    trial_ends_at=None,
    cancels_at=None,
    cancels_at_period_end=False,
    is_collection_paused=False,
    latest_invoice_id=None,
    payment_type=None,
)


@pytest.mark.parametrize("status", StripeStatus)
def test_only_what_is_active_or_on_trial_renews(status: StripeStatus) -> None:
    renews = {StripeStatus.ACTIVE, StripeStatus.TRIALING}
    assert SEEN._replace(status=status).will_renew is (status in renews)


@pytest.mark.parametrize(
    ("changes", "is_cancelled", "will_renew"),
    [
        ({}, False, True),
        ({"cancels_at_period_end": True}, True, False),
        ({"cancels_at_period_end": True, "cancels_at": END + timedelta(days=1)}, True, False),
        ({"cancels_at": END}, True, False),
        ({"cancels_at": END - timedelta(seconds=1)}, True, False),
        ({"cancels_at": END + timedelta(seconds=1)}, True, True),
        ({"is_collection_paused": True}, False, False),
    ],
    ids=str,
)
def test_what_ends_by_its_next_payment_does_not_renew(
    *, changes: dict[str, object], is_cancelled: bool, will_renew: bool
) -> None:
    seen = SEEN._replace(**changes)  # type: ignore[arg-type]  # names and values
    assert (seen.is_cancelled, seen.will_renew) == (is_cancelled, will_renew)


def test_an_invoices_own_lines_are_those_of_its_subscription() -> None:
    own, other = (InvoiceLine(id_, None, START, END, False) for id_ in ("sub_1", "sub_2"))
    invoice = StripeInvoiceSnapshot("in_1", "cus_1", "sub_1", START, 100, "usd", (other, own))
    assert invoice.own_lines == [own]
    assert invoice._replace(subscription_id=None).own_lines == []
