"""A customer is deleted in the dashboard: https://docs.stripe.com/api/customers/delete."""

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.billing import end_subscription

OVER = frozenset({"canceled", "incomplete_expired"})


def delete_customer(account: Account, customer_id: str) -> None:
    """Gone for good: its subscriptions end at once, and nothing can be sold to it any more."""
    customer = account.find("customer", customer_id)
    for subscription in account.all("subscription", customer=customer_id):
        if subscription["status"] not in OVER:
            end_subscription(account, subscription, "cancellation_requested")
    del account.things["customer"][customer_id]
    account.tell("customer.deleted", customer)
