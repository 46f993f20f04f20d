"""Trials that somebody gives at Stripe's dashboard."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import collect_invoice
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.subscriptions import (
    PriceQuantity,
    create_first_invoice,
    create_subscription,
)


def begin_trial_at_the_desk(account: StandInAccount, customer_id: str) -> None:
    """Give this customer a subscription with a trial of nine days."""
    price = next(
        price for price in account.find_all("price", currency="usd")
        if (price["recurring"] or {}).get("interval") == "month"
    )  # fmt: skip
    days = {"trial_period_days": "9"}
    lines = [PriceQuantity(price, 1)]
    subscription = create_subscription(account, customer_id, lines, days, coupon=None)
    collect_invoice(account, create_first_invoice(account, subscription), Card.PAYS)
