"""Refunds of charges: whole, in parts, and failed."""

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.forms import integer, merged, text
from paywall.sandbox.stripe.payments import charge_of
from paywall.sandbox.stripe.refusal import Refusal, invalid, missing
from paywall.sandbox.stripe.shapes import Json


def create_refund(account: Account, given: Json) -> Json:
    """Give back an amount of a charge, all that is left unless told."""
    return _refund(account, given, "succeeded")


def begin_refund(account: Account, charge_id: str, amount: int) -> Json:
    """A refund that the bank takes its time for (see `settle_refund` and `fail_refund`)."""
    return _refund(account, {"charge": charge_id, "amount": str(amount)}, "pending")


def settle_refund(account: Account, refund_id: str) -> Json:
    """The money of a pending refund has arrived."""
    refund = account.find("refund", refund_id)
    if refund["status"] != "pending":
        raise Refusal(f"Refund {refund_id} is {refund['status']}, and not pending.")
    account.change(refund, "refund.updated", status="succeeded")
    account.tell("charge.refund.updated", refund)
    return refund


def _refund(account: Account, given: Json, status: str) -> Json:
    charge = _charge_named(account, given)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise Refusal(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if (asked := integer(given, "amount")) is None else asked
    if not 0 < amount <= left:
        raise invalid(
            "amount",
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
        )
    refund = account.new(
        "refund",
        amount=amount,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=merged({}, given),
        payment_intent=charge["payment_intent"],
        reason=text(given, "reason"),
        status=status,
    )
    account.tell("refund.created", refund)
    _refunded(account, charge, amount, "charge.refunded")
    return refund


def update_refund(account: Account, given: Json, refund_id: str) -> Json:
    """Change a refund's metadata, which is all that can be changed."""
    refund = account.find("refund", refund_id)
    account.change(refund, "refund.updated", metadata=merged(refund["metadata"], given))
    account.tell("charge.refund.updated", refund)
    return refund


def fail_refund(account: Account, refund_id: str) -> Json:
    """The bank sends a refund back: the money is the seller's again."""
    refund = account.find("refund", refund_id)
    if refund["status"] not in {"pending", "succeeded"}:
        raise Refusal(f"Refund {refund_id} is {refund['status']}, and cannot fail.")
    account.change(
        refund, "refund.failed", status="failed", failure_reason="lost_or_stolen_card"
    )  # fmt: skip
    account.tell("charge.refund.updated", refund)
    _refunded(
        account, account.find("charge", refund["charge"]), -refund["amount"], "charge.updated"
    )
    return refund


def _refunded(account: Account, charge: Json, amount: int, told_as: str) -> None:
    total = charge["amount_refunded"] + amount
    account.change(
        charge, told_as, amount_refunded=total, refunded=total == charge["amount_captured"]
    )


def _charge_named(account: Account, given: Json) -> Json:
    if charge_id := text(given, "charge"):
        return account.find("charge", charge_id, "charge")
    if intent_id := text(given, "payment_intent"):
        intent = account.find("payment_intent", intent_id, "payment_intent")
        if intent["status"] != "succeeded":
            raise Refusal(f"PaymentIntent {intent_id} does not have a successful charge to refund.")
        return charge_of(account, intent)
    raise missing("payment_intent")
