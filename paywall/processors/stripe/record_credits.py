"""Recording what an invoice credits of earlier invoices, as clawbacks on these."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import StripeCredit, StripeInvoice
from paywall.payments.refund import record_clawbacks
from paywall.processors.stripe.invoice_lines import ProrationCredit
from paywall.rules.enums import Actor, ClawbackKind
from paywall.rules.refunds import ClawbackSnapshot


async def record_credits(
    session: AsyncSession,
    subscription_id: str,
    credits_: Sequence[ProrationCredit],
    *,
    is_undone: bool,
    actor: Actor,
    clock: Clock,
) -> None:
    """Record the credits, and claw back what they credit of the invoices that are on record.

    An invoice that is recorded later claws back its own `prorations_of`. `is_undone`: the whole
    price of the crediting invoice was refunded, so what was paid before it counts again.
    """
    for credit in credits_:
        row = StripeCredit(
            id=credit.line_id,
            subscription_id=subscription_id,
            credited_invoice_id=credit.credited_invoice_id,
            starts_at=credit.starts_at,
            amount=credit.amount,
        )
        known = await session.get(StripeCredit, credit.line_id)
        if not is_undone:
            await session.merge(row)
        elif known is not None:
            await session.delete(known)
    await session.flush()
    for invoice_id in sorted({credit.credited_invoice_id for credit in credits_}):
        invoice = await session.get(StripeInvoice, invoice_id)
        withdrawn = [
            _to_clawback(credit.line_id, credit.amount, credit.starts_at, is_in_force=False)
            for credit in credits_
            if is_undone and credit.credited_invoice_id == invoice_id
        ]
        clawbacks = [*withdrawn, *await prorations_of(session, invoice_id)]
        if invoice is not None:
            await record_clawbacks(
                session, invoice.purchase_id, clawbacks, actor=actor, clock=clock
            )


async def prorations_of(session: AsyncSession, invoice_id: str) -> list[ClawbackSnapshot]:
    """What invoices on record credited of this one, as clawbacks on its purchase."""
    statement = (
        select(StripeCredit)
        .where(StripeCredit.credited_invoice_id == invoice_id)
        .order_by(col(StripeCredit.id))
    )
    return [
        _to_clawback(credit.id, credit.amount, credit.starts_at, is_in_force=True)
        for credit in await session.exec(statement)
    ]


def _to_clawback(
    line_id: str, amount: int, starts_at: datetime, *, is_in_force: bool
) -> ClawbackSnapshot:
    return ClawbackSnapshot(
        line_id,
        ClawbackKind.PRORATION,
        amount,
        is_in_force=is_in_force,
        is_pending=False,
        keep_access=False,
        created_at=starts_at,
    )
