"""Previews of a subscription's next invoice: https://docs.stripe.com/invoicing/preview."""

from http import HTTPStatus

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.clock import RENEWING_STATUSES, next_period_line
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.forms import required_text
from paywall.sandbox.stripe.invoices import DraftLine, amount_due, discount_of
from paywall.sandbox.stripe.objects import Json, empty_object


def preview_invoice(account: StandInAccount, params: Json) -> Json:
    """The invoice with which the next period begins; it is not stored.

    `subscription_details` previews it without the subscription's cancellation.
    """
    subscription_id = required_text(params, "subscription")
    subscription = account.find("subscription", subscription_id, "subscription")
    if "subscription_details" in params:
        subscription = {**subscription, "cancel_at": None}
    ends_at = min(item["current_period_end"] for item in subscription["items"]["data"])
    is_cancelled = subscription["cancel_at"] is not None and subscription["cancel_at"] <= ends_at
    if subscription["status"] not in RENEWING_STATUSES or is_cancelled:
        raise ApiError(
            "No upcoming invoices for this subscription.",
            status=HTTPStatus.NOT_FOUND,
            code="invoice_upcoming_none",
        )
    lines = [
        *(DraftLine(*line) for line in account.hidden_fields(subscription_id).get("pending", [])),
        *(
            next_period_line(subscription, item)
            for item in subscription["items"]["data"]
            if item["current_period_end"] == ends_at
        ),
    ]
    subtotal = sum(line.amount for line in lines)
    total = subtotal - discount_of(account, subscription, subtotal)
    balance = account.find("customer", subscription["customer"])["balance"]
    due = amount_due(total + balance, subscription["currency"])
    return {
        **empty_object("invoice"),
        "amount_due": due,
        "amount_remaining": due,
        "billing_reason": "upcoming",
        "created": ends_at,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "id": f"upcoming_in_{subscription_id}",
        "starting_balance": balance,
        "status": "draft",
        "subtotal": subtotal,
        "total": total,
    }
