"""When refunds, disputes and proration credits took back what was paid."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, Refund, StripeInvoice, StripeProration
from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.enums import ClawbackKind
from paywall.rules.prepaid import Span
from paywall.rules.prorations import Proration, counts_now, times_in_force
from paywall.rules.refunds import ClawbackEffect, wholly_clawed_back


async def clawback_effects(
    session: AsyncSession, purchase_ids: Collection[int]
) -> Mapping[int, list[ClawbackEffect]]:
    """When each refund or dispute took its amount back, by the purchase."""
    effects: dict[int, list[ClawbackEffect]] = defaultdict(list)
    statement = select(Refund).where(
        col(Refund.purchase_id).in_(purchase_ids),
        col(Refund.keep_access).is_(False),
        Refund.kind != ClawbackKind.PRORATION,
    )
    for refund in await session.exec(statement):
        starts_at = refund.effective_at or refund.created_at
        ends_at = FAR_FUTURE if refund.is_in_force else refund.withdrawn_at
        if ends_at is not None:
            span = Span(starts_at, ends_at)
            effects[refund.purchase_id].append(ClawbackEffect(span, refund.amount))
    return effects


class TimedProration(NamedTuple):
    """A proration credit, and the times in which it counts."""

    row: StripeProration
    spans: Sequence[Span]

    @property
    def counts_now(self) -> bool:
        return counts_now(self.spans)


async def prorations_of(
    session: AsyncSession, subscription_ids: Collection[str]
) -> list[TimedProration]:
    """The proration credits of these subscriptions, in the order of their ids.

    One of an item that did not give the credited period never counts: the period goes on.
    """
    statement = (
        select(StripeProration)
        .where(col(StripeProration.subscription_id).in_(subscription_ids))
        .order_by(col(StripeProration.id))
    )
    rows = (await session.exec(statement)).all()
    if not rows:
        return []
    refunded = await _wholly_refunded(session, {row.invoice_id for row in rows})
    items = await _items(session, subscription_ids)
    spans = times_in_force(
        [
            Proration(row.id, row.invoice_id, row.credited_invoice_id, row.starts_at)
            for row in rows
            # Neither is known of rows of earlier releases.
            if row.item_id is None or items.get(row.credited_invoice_id) in (None, row.item_id)
        ],
        refunded,
    )
    return [TimedProration(row, spans.get(row.id, ())) for row in rows]


async def _items(session: AsyncSession, subscription_ids: Collection[str]) -> dict[str, str | None]:
    """The item that gave the period of each invoice of these subscriptions, by its id."""
    statement = select(StripeInvoice.id, StripeInvoice.item_id).where(
        col(StripeInvoice.subscription_id).in_(subscription_ids)
    )
    return dict((await session.exec(statement)).all())


async def _wholly_refunded(
    session: AsyncSession, invoice_ids: Collection[str | None]
) -> dict[str, list[Span]]:
    """When the whole price of each of these invoices was refunded or disputed."""
    statement = (
        select(StripeInvoice.id, Purchase.id, Purchase.amount_paid)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(col(StripeInvoice.id).in_([id_ for id_ in invoice_ids if id_ is not None]))
    )
    paid = (await session.exec(statement)).all()
    effects = await clawback_effects(session, [purchase_id for _, purchase_id, _ in paid])
    return {
        invoice_id: wholly_clawed_back(amount, effects[purchase_id])
        for invoice_id, purchase_id, amount in paid
    }


def credited_from(prorations: Sequence[TimedProration]) -> dict[str, datetime]:
    """From when on the rest of each invoice's period is credited now, by the invoice's id."""
    starts: dict[str, datetime] = {}
    for row, _ in (one for one in prorations if one.counts_now):
        before = starts.get(row.credited_invoice_id, FAR_FUTURE)
        starts[row.credited_invoice_id] = min(before, row.starts_at)
    return starts


async def paid_ends(
    session: AsyncSession, invoices: Sequence[StripeInvoice]
) -> dict[str, datetime | None]:
    """The end of the time that each invoice still pays for, by its id; None if there is none."""
    subscription_ids = {invoice.subscription_id for invoice in invoices}
    credited = credited_from(await prorations_of(session, subscription_ids))
    ends: dict[str, datetime | None] = {}
    for invoice in invoices:
        starts_at, ends_at = invoice.period_starts_at, invoice.period_ends_at
        end = min(ends_at, credited.get(invoice.id, ends_at))
        ends[invoice.id] = end if starts_at is None or starts_at < end else None
    return ends
