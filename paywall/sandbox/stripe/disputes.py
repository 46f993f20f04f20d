"""Disputes and inquiries about a charge: https://docs.stripe.com/disputes/how-disputes-work."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.balance import move_balance
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json

CLOSED_STATUSES = frozenset({"won", "lost", "warning_closed"})
EVIDENCE_DUE_DAYS = 9


def open_dispute(
    account: StandInAccount, charge_id: str, *, amount: int | None = None, inquiry: bool = False
) -> Json:
    """Open a dispute, which withdraws the amount, or an inquiry, which does not."""
    charge = account.find("charge", charge_id)
    dispute = account.create(
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
    dispute["evidence_details"]["due_by"] = account.now + EVIDENCE_DUE_DAYS * 86_400
    charge["disputed"] = True
    account.emit_event("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw_funds(account, dispute)
    return dispute


def escalate_inquiry(account: StandInAccount, dispute_id: str) -> Json:
    """Turn an inquiry into a dispute."""
    dispute = _find_open(account, dispute_id)
    if not dispute["status"].startswith("warning_"):
        raise ApiError(f"Dispute {dispute_id} is not an inquiry.")
    account.update(
        dispute, "charge.dispute.updated", status="needs_response", is_charge_refundable=False
    )
    _withdraw_funds(account, dispute)
    return dispute


def submit_evidence(account: StandInAccount, dispute_id: str) -> Json:
    """Submit the seller's evidence, which the bank then reviews."""
    dispute = _find_open(account, dispute_id)
    inquiry = dispute["status"].startswith("warning_")
    status = "warning_under_review" if inquiry else "under_review"
    return account.update(dispute, "charge.dispute.updated", status=status)


def close_dispute(account: StandInAccount, dispute_id: str, *, won: bool) -> Json:
    """Close a dispute as won or lost; an inquiry is only closed."""
    dispute = _find_open(account, dispute_id)
    if dispute["status"].startswith("warning_"):
        return account.update(dispute, "charge.dispute.closed", status="warning_closed")
    account.update(dispute, "charge.dispute.closed", status="won" if won else "lost")
    if won:
        moved = move_balance(account, dispute, dispute["amount"], "dispute_reversal")
        dispute["balance_transactions"].append(moved)
        account.emit_event("charge.dispute.funds_reinstated", dispute)
    return dispute


def _withdraw_funds(account: StandInAccount, dispute: Json) -> None:
    moved = move_balance(account, dispute, -dispute["amount"], "dispute")
    dispute["balance_transactions"].append(moved)
    account.emit_event("charge.dispute.funds_withdrawn", dispute)


def _find_open(account: StandInAccount, dispute_id: str) -> Json:
    dispute = account.find("dispute", dispute_id)
    if dispute["status"] in CLOSED_STATUSES:
        raise ApiError(f"Dispute {dispute_id} is closed: {dispute['status']}.")
    return dispute
