"""Payment intents and their charges."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.objects import Json, copy_object

DECLINED = "Your card was declined."


def create_payment_intent(
    account: StandInAccount,
    customer_id: str | None,
    method_id: str | None,
    *,
    amount: int,
    currency: str,
    metadata: Json | None = None,
) -> Json:
    """Create a payment that is confirmed and still processing."""
    intent = account.create(
        "payment_intent",
        amount=amount,
        currency=currency,
        customer=customer_id,
        metadata=metadata or {},
        payment_method=method_id,
        status="processing",
    )
    account.emit_event("payment_intent.created", intent)
    return intent


def succeed_payment(account: StandInAccount, intent: Json) -> Json:
    """Mark the payment as succeeded; returns the new charge."""
    amount = intent["amount"]
    charge = _create_charge(account, intent, paid=True, captured=True, amount_captured=amount)
    charge["status"] = "succeeded"
    account.emit_event("charge.succeeded", charge)
    account.update(
        intent,
        "payment_intent.succeeded",
        amount_received=amount,
        last_payment_error=None,
        latest_charge=charge["id"],
        status="succeeded",
    )
    return charge


def decline_payment(account: StandInAccount, intent: Json) -> Json:
    """Mark the payment as declined; returns the failed charge."""
    method = intent["payment_method"]
    charge = _create_charge(account, intent, failure_code="card_declined", failure_message=DECLINED)
    account.emit_event("charge.failed", charge)
    account.update(
        intent,
        "payment_intent.payment_failed",
        last_payment_error={
            "charge": charge["id"],
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": DECLINED,
            "payment_method": copy_object(account.find("payment_method", method))
            if method
            else None,
            "type": "card_error",
        },
        latest_charge=charge["id"],
        status="requires_payment_method",
    )
    return charge


def latest_charge(account: StandInAccount, intent: Json) -> Json:
    """The latest charge of a payment intent."""
    return account.find("charge", intent["latest_charge"])


def _create_charge(account: StandInAccount, intent: Json, **fields: object) -> Json:
    method = intent["payment_method"]
    card = account.find("payment_method", method)["card"] if method else {}
    known = ("brand", "country", "exp_month", "exp_year", "funding", "last4")
    return account.create(
        "charge",
        amount=intent["amount"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method,
        payment_method_details={
            "card": {name: card[name] for name in known if name in card},
            "type": "card",
        },
        **fields,
    )
