"""What is derived from a subscription and an invoice as Stripe returns them."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from paywall.processors.stripe import parsing
from paywall.processors.stripe.parse_subscription import parse_subscription
from paywall.rules.enums import StripeStatus
from tests.conftest import START

ENDS_AT = START + timedelta(days=30)
END = int(ENDS_AT.timestamp())
SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "customer": "cus_1",
    "status": "active",
    "start_date": int(START.timestamp()),
    "items": {"data": [{"price": {"id": "price_1"}, "current_period_end": END}]},
    "cancel_at_period_end": False,
}


@pytest.mark.parametrize("status", StripeStatus)
def test_only_what_is_active_or_on_trial_renews(status: StripeStatus) -> None:
    renews = {StripeStatus.ACTIVE, StripeStatus.TRIALING}
    snapshot = parse_subscription({**SUBSCRIPTION, "status": status.value})
    assert snapshot.will_renew is (status in renews)


@pytest.mark.parametrize(
    ("changes", "is_cancelled", "will_renew"),
    [
        ({}, False, True),
        ({"cancel_at_period_end": True}, True, False),
        ({"cancel_at_period_end": True, "cancel_at": END + 86_400}, True, False),
        ({"cancel_at": END}, True, False),
        ({"cancel_at": END - 1}, True, False),
        ({"cancel_at": END + 1}, False, True),
        ({"pause_collection": {"behavior": "void"}}, False, False),
    ],
    ids=str,
)
def test_what_ends_by_its_next_payment_does_not_renew(
    *, changes: dict[str, object], is_cancelled: bool, will_renew: bool
) -> None:
    snapshot = parse_subscription({**SUBSCRIPTION, **changes})
    assert (snapshot.is_cancelled, snapshot.will_renew) == (is_cancelled, will_renew)


@pytest.mark.parametrize(
    ("changes", "later"),
    [
        ({"cancel_at": END + 1}, timedelta(seconds=1)),
        ({"cancel_at": END}, None),
        ({"cancel_at": END + 1, "cancel_at_period_end": True}, None),
        ({"cancel_at": END + 1, "status": "past_due"}, timedelta(seconds=1)),
        ({"cancel_at": END + 1, "status": "canceled"}, None),
    ],
    ids=str,
)
def test_only_a_date_after_the_period_is_a_set_end(
    changes: dict[str, object], later: timedelta | None
) -> None:
    snapshot = parse_subscription({**SUBSCRIPTION, **changes})
    assert snapshot.cancels_at == (ENDS_AT + later if later else None)


@pytest.mark.parametrize(("subscription_id", "lines"), [("sub_1", 1), (None, 0)])
def test_an_invoices_lines_are_those_of_its_subscription(
    subscription_id: str | None, lines: int
) -> None:
    details = {"subscription": subscription_id} if subscription_id else None
    own, other = (
        {
            "id": f"il_{id_}",
            "amount": 100,
            "period": {"start": END - 1, "end": END},
            "parent": {"subscription_item_details": {"subscription": id_}},
        }
        for id_ in ("sub_1", "sub_2")
    )
    invoice = parsing.invoice(
        {
            "id": "in_1",
            "customer": "cus_1",
            "status": "paid",
            "amount_paid": 100,
            "currency": "usd",
            "created": END,
            "lines": {"data": [other, own]},
            "status_transitions": {"paid_at": END},
            "parent": {"subscription_details": details},
        }
    )
    assert [line.ends_at for line in invoice.lines] == [ENDS_AT] * lines


def test_a_subscription_without_items_has_another_shape() -> None:
    with pytest.raises(msgspec.ValidationError):
        parse_subscription({**SUBSCRIPTION, "items": {"data": []}})
