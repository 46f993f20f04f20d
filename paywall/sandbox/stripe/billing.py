"""What a payment, or its failure, makes of a subscription."""

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.invoices import (
    mark_failed,
    mark_paid,
    payment_of,
    stop_collecting,
    subscription_of,
)
from paywall.sandbox.stripe.payments import decline, succeed
from paywall.sandbox.stripe.periods import DAY_SECONDS
from paywall.sandbox.stripe.shapes import Json

ATTEMPTS = 4
RETRY_DAYS = 3


def collect(account: Account, invoice: Json, card: Card) -> None:
    """Charge an open invoice to the customer's card."""
    if not invoice["amount_due"]:
        _paid(account, invoice)
        return
    settle_invoice(account, invoice, paid=card in {Card.PAYS, Card.PAYS_ONCE})


def settle_invoice(account: Account, invoice: Json, *, paid: bool) -> None:
    """The bank has told of an open invoice's payment."""
    intent = payment_of(account, invoice)
    if paid:
        succeed(account, intent)
        _paid(account, invoice)
    else:
        decline(account, intent)
        _failed(account, invoice)


def end_subscription(account: Account, subscription: Json, reason: str | None) -> Json:
    """The subscription is over, from this moment on."""
    stop_collecting(account, subscription)
    details = {**subscription["cancellation_details"], "reason": reason}
    return account.change(
        subscription,
        "customer.subscription.deleted",
        canceled_at=subscription["canceled_at"] or account.now,
        cancellation_details=details,
        ended_at=account.now,
        status="canceled",
    )


def _paid(account: Account, invoice: Json) -> None:
    mark_paid(account, invoice)
    subscription = account.find("subscription", subscription_of(invoice))
    owed = {"incomplete", "past_due", "unpaid"}
    if subscription["status"] in owed and subscription["latest_invoice"] == invoice["id"]:
        account.change(subscription, "customer.subscription.updated", status="active")


def _failed(account: Account, invoice: Json) -> None:
    subscription = account.find("subscription", subscription_of(invoice))
    is_over = subscription["status"] == "canceled"
    tries = invoice["attempt_count"] + 1
    again = tries < ATTEMPTS and not is_over
    retry_at = account.now + RETRY_DAYS * DAY_SECONDS if again else None
    mark_failed(account, invoice, retry_at=retry_at)
    if is_over:
        return
    if not again and account.after_retries == "canceled":
        end_subscription(account, subscription, "payment_failed")
        return
    status = "past_due" if again else "unpaid"
    if subscription["status"] != status:
        account.change(subscription, "customer.subscription.updated", status=status)
