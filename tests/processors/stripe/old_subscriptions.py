"""Subscriptions that began in Stripe before this service: at prices outside its catalogue."""

from typing import Any, NamedTuple

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.catalogue import create_price
from paywall.sandbox.stripe.checkout import create_session, pay_session
from paywall.sandbox.stripe.customers import create_customer


class OldSubscription(NamedTuple):
    """A subscription in Stripe, and its customer."""

    id: str
    customer_id: str


def begin_old_subscription(account: StandInAccount, price_id: str | None = None) -> OldSubscription:
    """Somebody subscribes through another program that uses the same account."""
    customer_id = str(create_customer(account, {})["id"])
    if price_id is None:
        price_id = str(_create_old_price(account)["id"])
    session = create_session(
        account,
        {
            "mode": "subscription",
            "customer": customer_id,
            "line_items": [{"price": price_id, "quantity": "1"}],
            "success_url": "https://news.example",
        },
    )
    return OldSubscription(str(pay_session(account, session["id"])["subscription"]), customer_id)


def _create_old_price(account: StandInAccount) -> dict[str, Any]:
    return create_price(
        account,
        {
            "currency": "usd",
            "unit_amount": "700",
            "recurring": {"interval": "month"},
            "product_data": {"name": "Gold"},
        },
    )
