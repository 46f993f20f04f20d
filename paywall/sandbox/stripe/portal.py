"""Billing portal sessions: https://docs.stripe.com/customer-management."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.forms import optional_text, required_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.subscriptions import update_subscription


def create_portal_session(account: StandInAccount, params: Json) -> Json:
    """A page on which a customer looks after their subscriptions."""
    customer = account.find("customer", required_text(params, "customer"), "customer")
    session = account.create(
        "billing_portal.session",
        configuration="bpc_standin",
        customer=customer["id"],
        return_url=optional_text(params, "return_url"),
    )
    session["url"] = f"{account.address}/portal/{session['id']}"
    return session


def portal_cancel(account: StandInAccount, subscription_id: str) -> Json:
    """As Stripe's portal does: `cancel_at` is set, and `cancel_at_period_end` stays false."""
    return update_subscription(account, {"cancel_at": "min_period_end"}, subscription_id)


def portal_resume(account: StandInAccount, subscription_id: str) -> Json:
    """The customer stays after all."""
    return update_subscription(account, {"cancel_at": ""}, subscription_id)


def portal_switch(account: StandInAccount, subscription_id: str, price_id: str) -> Json:
    """Another price from now on; the difference is billed at once."""
    item = account.find("subscription", subscription_id)["items"]["data"][0]["id"]
    change = {
        "items": [{"id": item, "price": price_id}],
        "proration_behavior": "always_invoice",
    }
    return update_subscription(account, change, subscription_id)
