"""What a payment, or its failure, makes of a subscription."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.invoices import (
    mark_failed,
    mark_paid,
    payment_intent_of,
    stop_collection,
    subscription_id_of,
)
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.payment_intents import decline_payment, succeed_payment
from paywall.sandbox.stripe.periods import DAY_SECONDS

ATTEMPTS_MAX = 4
RETRY_DAYS = 3


def collect_invoice(account: StandInAccount, invoice: Json, card: Card) -> None:
    """Charge an open invoice to the customer's card."""
    if not invoice["amount_due"]:
        _record_paid(account, invoice)
        return
    record_payment_result(account, invoice, paid=card in {Card.PAYS, Card.PAYS_ONCE})


def record_payment_result(account: StandInAccount, invoice: Json, *, paid: bool) -> None:
    """The bank has told of an open invoice's payment."""
    intent = payment_intent_of(account, invoice)
    if paid:
        succeed_payment(account, intent)
        _record_paid(account, invoice)
    else:
        decline_payment(account, intent)
        _record_failed(account, invoice)


def end_subscription(account: StandInAccount, subscription: Json, reason: str | None) -> Json:
    """The subscription is over, from this moment on."""
    stop_collection(account, subscription)
    details = {**subscription["cancellation_details"], "reason": reason}
    return account.update(
        subscription,
        "customer.subscription.deleted",
        canceled_at=subscription["canceled_at"] or account.now,
        cancellation_details=details,
        ended_at=account.now,
        status="canceled",
    )


def _record_paid(account: StandInAccount, invoice: Json) -> None:
    mark_paid(account, invoice)
    subscription = account.find("subscription", subscription_id_of(invoice))
    owed = {"incomplete", "past_due", "unpaid"}
    if subscription["status"] in owed and subscription["latest_invoice"] == invoice["id"]:
        account.update(subscription, "customer.subscription.updated", status="active")


def _record_failed(account: StandInAccount, invoice: Json) -> None:
    subscription = account.find("subscription", subscription_id_of(invoice))
    is_over = subscription["status"] == "canceled"
    tries = invoice["attempt_count"] + 1
    again = tries < ATTEMPTS_MAX and not is_over
    retry_at = account.now + RETRY_DAYS * DAY_SECONDS if again else None
    mark_failed(account, invoice, retry_at=retry_at)
    if is_over:
        return
    if not again and account.after_retries == "canceled":
        end_subscription(account, subscription, "payment_failed")
        return
    status = "past_due" if again else "unpaid"
    if subscription["status"] != status:
        account.update(subscription, "customer.subscription.updated", status=status)
