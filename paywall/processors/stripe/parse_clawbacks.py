"""Parsing Stripe's refunds and disputes into clawbacks, as `parsing` does with other objects."""

from typing import Any

import msgspec

from paywall.processors.stripe.parsing import at
from paywall.processors.stripe.units import from_stripe
from paywall.rules.enums import ClawbackKind
from paywall.rules.refunds import ClawbackSnapshot

# Metadata of a refund: with `true` it is a goodwill refund, which keeps access.
KEEP_ACCESS = "paywall_keep_access"
# From its creation until it fails, also while it is on its way: Stripe's object keeps the time of
# its creation and of its failure, and none in between
# (https://docs.stripe.com/api/refunds/object#refund_object-status).
REFUNDS_PENDING = frozenset({"pending", "requires_action"})
REFUNDS_IN_FORCE = REFUNDS_PENDING | {"succeeded"}
# Metadata of a refund: the withdrawal that it is for.
WITHDRAWAL = "paywall_withdrawal"
# From its opening until it is won (https://docs.stripe.com/api/disputes/object).
DISPUTES_IN_FORCE = frozenset({"needs_response", "under_review", "lost"})
# An inquiry takes nothing back, and may become a dispute.
INQUIRIES_OPEN = frozenset({"warning_needs_response", "warning_under_review"})


class _BalanceTransaction(msgspec.Struct):
    """Money that left the account's balance (a negative amount), or came back."""

    amount: int
    created: int


class _Refund(msgspec.Struct):
    id: str
    amount: int
    currency: str
    created: int
    status: str | None = None
    metadata: dict[str, str] | None = None
    failure_balance_transaction: _BalanceTransaction | None = None


def refund(data: dict[str, Any]) -> ClawbackSnapshot:
    parsed = msgspec.convert(data, _Refund)
    failure = parsed.failure_balance_transaction
    return ClawbackSnapshot(
        parsed.id,
        ClawbackKind.REFUND,
        from_stripe(parsed.amount, parsed.currency, f"amount of the refund {parsed.id}"),
        is_in_force=parsed.status in REFUNDS_IN_FORCE,
        is_pending=parsed.status in REFUNDS_PENDING,
        keep_access=(parsed.metadata or {}).get(KEEP_ACCESS) == "true",
        created_at=at(parsed.created),
        withdrawn_at=at(failure.created) if failure else None,
    )


def has_refund_for(withdrawal_id: str, data: list[dict[str, Any]]) -> bool:
    """Whether one of these refunds was made for this withdrawal, and did not fail."""
    return any(
        (one.metadata or {}).get(WITHDRAWAL) == withdrawal_id
        and one.status not in {"failed", "canceled"}
        for one in msgspec.convert(data, list[_Refund])
    )


class _Dispute(msgspec.Struct):
    id: str
    amount: int
    currency: str
    created: int
    status: str
    balance_transactions: list[_BalanceTransaction] = []


def dispute(data: dict[str, Any]) -> ClawbackSnapshot:
    """Its money leaves when it is opened, or when an inquiry becomes one, and returns if won."""
    parsed = msgspec.convert(data, _Dispute)
    withdrawn = [moved.created for moved in parsed.balance_transactions if moved.amount < 0]
    reinstated = [moved.created for moved in parsed.balance_transactions if moved.amount > 0]
    return ClawbackSnapshot(
        parsed.id,
        ClawbackKind.DISPUTE,
        from_stripe(parsed.amount, parsed.currency, f"amount of the dispute {parsed.id}"),
        is_in_force=parsed.status in DISPUTES_IN_FORCE,
        is_pending=parsed.status in INQUIRIES_OPEN,
        keep_access=False,
        created_at=at(parsed.created),
        effective_at=at(min(withdrawn)) if withdrawn else None,
        withdrawn_at=at(max(reinstated)) if reinstated else None,
    )
