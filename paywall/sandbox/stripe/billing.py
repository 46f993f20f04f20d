"""Collects invoices, and updates the subscription after a payment or a failure."""

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
    """Charge an open invoice to this card; an invoice of zero is paid at once."""
    if not invoice["amount_due"]:
        _record_paid(account, invoice)
        return
    record_payment_result(account, invoice, paid=card in {Card.PAYS, Card.PAYS_ONCE})


def record_payment_result(account: StandInAccount, invoice: Json, *, paid: bool) -> None:
    """Record whether the payment of an open invoice succeeded."""
    intent = payment_intent_of(account, invoice)
    # The customer may have chosen another card since the last attempt.
    intent["payment_method"] = account.hidden_fields(invoice["customer"]).get("payment_method")
    if paid:
        succeed_payment(account, intent)
        _record_paid(account, invoice)
    else:
        decline_payment(account, intent)
        _record_failed(account, invoice)


def end_subscription(account: StandInAccount, subscription: Json, reason: str | None) -> Json:
    """End the subscription now, and stop collecting its invoices."""
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
    is_latest = subscription["latest_invoice"] == invoice["id"]
    if is_latest and subscription["status"] in {"incomplete", "past_due", "unpaid"}:
        account.update(subscription, "customer.subscription.updated", status="active")


def _record_failed(account: StandInAccount, invoice: Json) -> None:
    subscription = account.find("subscription", subscription_id_of(invoice))
    has_ended = subscription["status"] == "canceled"
    attempts = invoice["attempt_count"] + 1
    will_retry = attempts < ATTEMPTS_MAX and not has_ended
    retry_at = account.now + RETRY_DAYS * DAY_SECONDS if will_retry else None
    mark_failed(account, invoice, retry_at=retry_at)
    if has_ended:
        return
    if not will_retry and account.after_retries == "canceled":
        end_subscription(account, subscription, "payment_failed")
        return
    status = "past_due" if will_retry else "unpaid"
    if subscription["status"] != status:
        account.update(subscription, "customer.subscription.updated", status=status)
