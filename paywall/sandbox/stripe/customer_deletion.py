"""A customer is deleted in the dashboard: https://docs.stripe.com/api/customers/delete."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import end_subscription

ENDED_STATUSES = frozenset({"canceled", "incomplete_expired"})


def delete_customer(account: StandInAccount, customer_id: str) -> None:
    """Gone for good: its subscriptions end at once, and nothing can be sold to it any more."""
    customer = account.find("customer", customer_id)
    for subscription in account.find_all("subscription", customer=customer_id):
        if subscription["status"] not in ENDED_STATUSES:
            end_subscription(account, subscription, "cancellation_requested")
    del account.objects["customer"][customer_id]
    account.emit_event("customer.deleted", customer)
