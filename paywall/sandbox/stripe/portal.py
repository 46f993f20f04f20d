"""Billing portal sessions: https://docs.stripe.com/customer-management."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.customers import Card, attach_card
from paywall.sandbox.stripe.forms import optional_text, required_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.subscriptions import update_subscription


def create_portal_session(account: StandInAccount, params: Json) -> Json:
    """Create a session of the page where customers manage their subscriptions."""
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
    """Cancel as Stripe's portal does: by `cancel_at`; `cancel_at_period_end` stays false."""
    return update_subscription(account, {"cancel_at": "min_period_end"}, subscription_id)


def portal_resume(account: StandInAccount, subscription_id: str) -> Json:
    """Withdraw the cancellation."""
    return update_subscription(account, {"cancel_at": ""}, subscription_id)


def change_card(account: StandInAccount, customer_id: str, card: Card) -> None:
    """Pay with another card from now on: the customer and each subscription of theirs."""
    method = attach_card(account, customer_id, card)
    customer = account.find("customer", customer_id)
    settings = {**customer["invoice_settings"], "default_payment_method": method}
    account.update(customer, "customer.updated", invoice_settings=settings)
    for subscription in account.find_all("subscription", customer=customer_id):
        if subscription["ended_at"] is None:
            account.update(
                subscription, "customer.subscription.updated", default_payment_method=method
            )


def portal_switch(account: StandInAccount, subscription_id: str, price_id: str) -> Json:
    """Switch to another price now; the difference is billed at once."""
    item = account.find("subscription", subscription_id)["items"]["data"][0]["id"]
    change = {
        "items": [{"id": item, "price": price_id}],
        "proration_behavior": "always_invoice",
    }
    return update_subscription(account, change, subscription_id)
