"""Deletion of a customer: https://docs.stripe.com/api/customers/delete."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import end_subscription

ENDED_STATUSES = frozenset({"canceled", "incomplete_expired"})


def delete_customer(account: StandInAccount, customer_id: str) -> None:
    """Delete the customer for good, and end its subscriptions at once."""
    customer = account.find("customer", customer_id)
    for subscription in account.find_all("subscription", customer=customer_id):
        if subscription["status"] not in ENDED_STATUSES:
            end_subscription(account, subscription, "cancellation_requested")
    del account.objects["customer"][customer_id]
    account.emit_event("customer.deleted", customer)
