"""Passes and prepaid periods: one-time purchases that are used one after the other."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import MergedSequence, Purchase, Subscription
from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.enums import PREPAID_KINDS, Interval, SubscriptionKind
from paywall.rules.prepaid import (
    Length,
    Merges,
    PrepaidPayment,
    SequenceMerge,
    Span,
    schedule,
)
from paywall.rules.refunds import wholly_clawed_back
from paywall.rules.tombstone import is_tombstone
from paywall.subscriptions.clawback_times import clawback_effects
from paywall.subscriptions.covers import covers_of


class PrepaidTerms(NamedTuple):
    """What was sold: `interval_count` intervals, counted in `timezone`, of a pass or a plan."""

    kind: SubscriptionKind
    interval: Interval
    interval_count: int
    timezone: str


async def add_prepaid(
    session: AsyncSession, purchase: Purchase, terms: PrepaidTerms, sequence_id: str | None
) -> None:
    """Add what was bought to the reader's prepaid time, which the caller then recomputes.

    `sequence_id`: that of the Stripe customer who paid, None for any other payment.
    """
    paid_at = purchase.created_at
    is_pass = terms.kind is SubscriptionKind.PASS
    session.add(
        Subscription(
            id=f"{terms.kind}_{secrets.token_hex(12)}",
            reader_id=purchase.reader_id,
            plan_id=None if is_pass else purchase.product_id,
            pass_id=purchase.product_id if is_pass else None,
            purchase_id=purchase.id,
            starts_at=paid_at,
            paid_through=paid_at,
            entitled_until=paid_at,
            access_until=paid_at,
            created_at=paid_at,
            sequence_id=sequence_id,
            **terms._asdict(),
        )
    )
    await session.flush()


async def with_prepaid(session: AsyncSession, reader_ids: Collection[str]) -> Sequence[str]:
    """Those of these readers who have passes or prepaid periods, in order."""
    statement = (
        select(Subscription.reader_id)
        .where(
            col(Subscription.reader_id).in_(reader_ids), col(Subscription.kind).in_(PREPAID_KINDS)
        )
        .distinct()
        .order_by(col(Subscription.reader_id))
    )
    return (await session.exec(statement)).all()


async def recompute_prepaid(session: AsyncSession, reader_id: str) -> None:
    """Recompute when each of a reader's passes and prepaid periods is used.

    To be called after every change to what was paid, clawed back or covered, under the reader's
    lock. The times of erased readers stay as they are: what covered them is deleted.
    """
    statement = (
        select(Subscription, Purchase)
        .join(Purchase, col(Purchase.id) == Subscription.purchase_id)
        .where(
            Subscription.reader_id == reader_id,
            col(Subscription.kind).in_(PREPAID_KINDS),
        )
    )
    # Not ordered by the database: its collation may order references in another way.
    rows = sorted((await session.exec(statement)).all(), key=_order_of_use)
    for subscription, purchase in rows:
        subscription.is_taken_back = 0 < purchase.amount_paid == purchase.taken_back
        session.add(subscription)
    if rows and not is_tombstone(reader_id):
        await _reschedule(session, reader_id, rows)
    await session.flush()


def _order_of_use(row: tuple[Subscription, Purchase]) -> tuple[datetime, str, str]:
    _, purchase = row
    return purchase.created_at, purchase.processor, purchase.reference


async def _reschedule(
    session: AsyncSession, reader_id: str, rows: Sequence[tuple[Subscription, Purchase]]
) -> None:
    payments = await _payments(session, rows)
    covers = await covers_of(session, reader_id)
    all_uses = schedule(payments, covers, await _merges(session, reader_id))
    for (subscription, _), payment, uses in zip(rows, payments, all_uses, strict=True):
        _set_times(subscription, payment, uses)


async def _payments(
    session: AsyncSession, rows: Sequence[tuple[Subscription, Purchase]]
) -> list[PrepaidPayment]:
    effects = await clawback_effects(session, [purchase.id for _, purchase in rows])
    payments = []
    for subscription, purchase in rows:
        removed = wholly_clawed_back(purchase.amount_paid, effects[purchase.id])
        if subscription.ended_at is not None:
            removed.append(Span(subscription.ended_at, FAR_FUTURE))
        payments.append(
            PrepaidPayment(
                purchase.created_at,
                _length(subscription),
                tuple(removed),
                subscription.sequence_id,
            )
        )
    return payments


def _length(subscription: Subscription) -> Length:
    """The length as sold; rows older than its columns last the whole days between their times."""
    if subscription.interval is None or subscription.interval_count is None:
        lasts = subscription.paid_through - subscription.starts_at
        subscription.interval, subscription.interval_count = Interval.DAY, lasts.days
        subscription.timezone = "UTC"
    zone = ZoneInfo(subscription.timezone or "UTC")
    return Length(subscription.interval, subscription.interval_count, zone)


async def _merges(session: AsyncSession, reader_id: str) -> Merges:
    statement = select(MergedSequence).where(MergedSequence.reader_id == reader_id)
    return {
        merged.id: SequenceMerge(merged.into_id, merged.merged_at)
        for merged in await session.exec(statement)
    }


def _set_times(subscription: Subscription, payment: PrepaidPayment, uses: Sequence[Span]) -> None:
    """From the first to the last use; between these, the reader has access by what is used then.

    What was removed before its first use starts and ends at that time. Without a removal, what is
    never used waits behind time that has no end.
    """
    if uses:
        subscription.starts_at, ends_at = uses[0].starts_at, uses[-1].ends_at
    else:
        removed = (max(payment.paid_at, span.starts_at) for span in payment.removed)
        subscription.starts_at = ends_at = min(removed, default=FAR_FUTURE)
    _set_end(subscription, ends_at)


def _set_end(subscription: Subscription, ends_at: datetime) -> None:
    subscription.paid_through = subscription.entitled_until = subscription.access_until = ends_at
