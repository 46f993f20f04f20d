"""Refunds of charges: full, partial, pending and failed."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.balance import move_balance
from paywall.sandbox.stripe.currencies import check_amount
from paywall.sandbox.stripe.errors import ApiError, invalid_parameter, missing_parameter
from paywall.sandbox.stripe.forms import merge_metadata, optional_integer, optional_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.payment_intents import latest_charge


def create_refund(account: StandInAccount, params: Json) -> Json:
    """Refund an amount of a charge, by default all that is left."""
    return _create_refund(account, params, "succeeded")


def create_pending_refund(account: StandInAccount, charge_id: str, amount: int) -> Json:
    """Create a refund that stays pending until `complete_refund` or `fail_refund`."""
    return _create_refund(account, {"charge": charge_id, "amount": str(amount)}, "pending")


def complete_refund(account: StandInAccount, refund_id: str) -> Json:
    """Complete a pending refund."""
    refund = account.find("refund", refund_id)
    if refund["status"] != "pending":
        raise ApiError(f"Refund {refund_id} is {refund['status']}, and not pending.")
    account.update(refund, "refund.updated", status="succeeded")
    account.emit_event("charge.refund.updated", refund)
    return refund


def _create_refund(account: StandInAccount, params: Json, status: str) -> Json:
    charge = _find_charge(account, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise ApiError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if (asked := optional_integer(params, "amount")) is None else asked
    if not 0 < amount <= left:
        raise invalid_parameter(
            "amount",
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
        )
    check_amount("amount", amount, charge["currency"])
    refund = account.create(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=merge_metadata({}, params),
        payment_intent=charge["payment_intent"],
        reason=optional_text(params, "reason"),
        status=status,
    )
    account.emit_event("refund.created", refund)
    _change_refunded_amount(account, charge, amount, "charge.refunded")
    return refund


def update_refund(account: StandInAccount, params: Json, refund_id: str) -> Json:
    """Change a refund's metadata, its only field that can change."""
    refund = account.find("refund", refund_id)
    account.update(refund, "refund.updated", metadata=merge_metadata(refund["metadata"], params))
    account.emit_event("charge.refund.updated", refund)
    return refund


def fail_refund(account: StandInAccount, refund_id: str) -> Json:
    """Fail a refund: the seller gets the money back."""
    refund = account.find("refund", refund_id)
    if refund["status"] not in {"pending", "succeeded"}:
        raise ApiError(f"Refund {refund_id} is {refund['status']}, and cannot fail.")
    account.update(
        refund,
        "refund.failed",
        status="failed",
        failure_reason="lost_or_stolen_card",
        failure_balance_transaction=move_balance(
            account, refund, refund["amount"], "refund_failure"
        )["id"],
    )
    account.emit_event("charge.refund.updated", refund)
    _change_refunded_amount(
        account, account.find("charge", refund["charge"]), -refund["amount"], "charge.updated"
    )
    return refund


def _change_refunded_amount(
    account: StandInAccount, charge: Json, amount: int, event_type: str
) -> None:
    total = charge["amount_refunded"] + amount
    account.update(
        charge, event_type, amount_refunded=total, refunded=total == charge["amount_captured"]
    )


def _find_charge(account: StandInAccount, params: Json) -> Json:
    if charge_id := optional_text(params, "charge"):
        return account.find("charge", charge_id, "charge")
    if intent_id := optional_text(params, "payment_intent"):
        intent = account.find("payment_intent", intent_id, "payment_intent")
        if intent["status"] != "succeeded":
            raise ApiError(
                f"PaymentIntent {intent_id} does not have a successful charge to refund."
            )
        return latest_charge(account, intent)
    raise missing_parameter("payment_intent")
