"""Recording what an invoice credits of earlier invoices, as clawbacks on these."""

from collections.abc import Sequence

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
    actor: Actor,
    clock: Clock,
) -> None:
    """Record the credits, and claw back what they credit of the invoices that are on record.

    An invoice that is recorded later claws back its own `prorations_of`.
    """
    for credit in credits_:
        await session.merge(
            StripeCredit(
                id=credit.line_id,
                subscription_id=subscription_id,
                credited_invoice_id=credit.credited_invoice_id,
                starts_at=credit.starts_at,
                amount=credit.amount,
            )
        )
    await session.flush()
    for invoice_id in sorted({credit.credited_invoice_id for credit in credits_}):
        invoice = await session.get(StripeInvoice, invoice_id)
        if invoice is not None:
            clawbacks = await prorations_of(session, invoice_id)
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
        ClawbackSnapshot(
            credit.id,
            ClawbackKind.PRORATION,
            credit.amount,
            is_in_force=True,
            is_pending=False,
            keep_access=False,
            created_at=credit.starts_at,
        )
        for credit in await session.exec(statement)
    ]
