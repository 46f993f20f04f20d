"""Disputes and inquiries about a charge: https://docs.stripe.com/disputes/how-disputes-work."""

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.shapes import Json

CLOSED = frozenset({"won", "lost", "warning_closed"})
DAYS_TO_ANSWER = 9


def open_dispute(
    account: Account, charge_id: str, *, amount: int | None = None, inquiry: bool = False
) -> Json:
    """The payer's bank takes the money back, or (an inquiry) asks about it first."""
    charge = account.find("charge", charge_id)
    dispute = account.new(
        "dispute",
        amount=charge["amount"] if amount is None else amount,
        charge=charge_id,
        currency=charge["currency"],
        is_charge_refundable=inquiry,
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": "visa",
                "case_type": "inquiry" if inquiry else "chargeback",
                "network_reason_code": None,
            },
            "type": "card",
        },
        reason="fraudulent",
        status="warning_needs_response" if inquiry else "needs_response",
    )
    dispute["evidence_details"]["due_by"] = account.now + DAYS_TO_ANSWER * 86_400
    charge["disputed"] = True
    account.tell("charge.dispute.created", dispute)
    if not inquiry:
        account.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(account: Account, dispute_id: str) -> Json:
    """An inquiry becomes a dispute."""
    dispute = _still_open(account, dispute_id)
    if not dispute["status"].startswith("warning_"):
        raise Refusal(f"Dispute {dispute_id} is no inquiry.")
    account.change(
        dispute, "charge.dispute.updated", status="needs_response", is_charge_refundable=False
    )
    account.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def answer_dispute(account: Account, dispute_id: str) -> Json:
    """The seller has sent evidence, and the bank looks at it."""
    dispute = _still_open(account, dispute_id)
    inquiry = dispute["status"].startswith("warning_")
    status = "warning_under_review" if inquiry else "under_review"
    return account.change(dispute, "charge.dispute.updated", status=status)


def close_dispute(account: Account, dispute_id: str, *, won: bool) -> Json:
    """The bank has decided; an inquiry just ends."""
    dispute = _still_open(account, dispute_id)
    if dispute["status"].startswith("warning_"):
        return account.change(dispute, "charge.dispute.closed", status="warning_closed")
    account.change(dispute, "charge.dispute.closed", status="won" if won else "lost")
    if won:
        account.tell("charge.dispute.funds_reinstated", dispute)
    return dispute


def _still_open(account: Account, dispute_id: str) -> Json:
    dispute = account.find("dispute", dispute_id)
    if dispute["status"] in CLOSED:
        raise Refusal(f"Dispute {dispute_id} is closed: {dispute['status']}.")
    return dispute
