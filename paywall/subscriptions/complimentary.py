"""Complimentary subscriptions: at most one per reader, managed by the site."""

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.tables import ComplimentaryPeriod, Subscription
from paywall.rules.entitlement import PaidAccess, entitled_until
from paywall.rules.enums import SubscriptionKind
from paywall.subscriptions.prepaid import recompute_prepaid
from paywall.subscriptions.responses import has_ended


async def put_complimentary(
    session: AsyncSession,
    reader_id: str,
    *,
    plan_id: str | None,
    current_period_end: datetime,
    clock: Clock,
) -> tuple[Subscription, bool]:
    """Create or change it; an end in the past ends it now. Returns whether a new one begins."""
    await lock_or_create_subscriber(session, reader_id, clock.now())
    now = clock.now()
    held = (await complimentary_of(session, [reader_id])).get(reader_id)
    subscription = held or new_complimentary(reader_id, current_period_end, now)
    begins = held is None or restart_ended(held, now)
    set_plan_and_end(session, subscription, plan_id, current_period_end)
    periods = await open_periods(session, [reader_id], now)
    cover_until(session, reader_id, periods.get(reader_id, []), current_period_end, now)
    await session.flush()
    await recompute_prepaid(session, reader_id)
    return subscription, begins


async def complimentary_of(
    session: AsyncSession, reader_ids: Collection[str]
) -> dict[str, Subscription]:
    """The complimentary subscriptions of these readers, by reader, including ended ones."""
    statement = select(Subscription).where(
        col(Subscription.reader_id).in_(reader_ids),
        col(Subscription.kind) == SubscriptionKind.COMPLIMENTARY,
    )
    return {held.reader_id: held for held in await session.exec(statement)}


def new_complimentary(reader_id: str, current_period_end: datetime, now: datetime) -> Subscription:
    return Subscription(
        id=_new_id(),
        reader_id=reader_id,
        kind=SubscriptionKind.COMPLIMENTARY,
        starts_at=now,
        paid_through=current_period_end,
        entitled_until=current_period_end,
        access_until=current_period_end,
        created_at=now,
    )


def _new_id() -> str:
    return f"complimentary_{secrets.token_hex(12)}"


def restart_ended(held: Subscription, now: datetime) -> bool:
    """Start a new subscription in the row of an ended one; returns whether it had ended.

    The new id separates it from the receipts of the ended one.
    """
    if not has_ended(held, now):
        return False
    held.id = _new_id()
    held.starts_at = held.created_at = now
    held.ended_at = None
    held.cancel_at_period_end = False
    return True


def set_plan_and_end(
    session: AsyncSession,
    subscription: Subscription,
    plan_id: str | None,
    current_period_end: datetime,
) -> None:
    """Set the plan that it replaces, and its end."""
    subscription.plan_id = plan_id
    subscription.paid_through = current_period_end
    recompute_unbilled(session, subscription)


def recompute_unbilled(session: AsyncSession, subscription: Subscription) -> None:
    """Recompute when access ends from the end that was set, and the reader's own "now".

    For complimentary subscriptions, and imported ones that were not fetched from Stripe yet.
    """
    paid = PaidAccess(subscription.starts_at, subscription.paid_through, subscription.ended_at)
    end = entitled_until(paid)
    subscription.entitled_until = subscription.access_until = end
    session.add(subscription)


async def open_periods(
    session: AsyncSession, reader_ids: Collection[str], now: datetime
) -> dict[str, list[ComplimentaryPeriod]]:
    """The complimentary periods that have not ended, the latest end first, by reader."""
    statement = (
        select(ComplimentaryPeriod)
        .where(
            col(ComplimentaryPeriod.reader_id).in_(reader_ids),
            col(ComplimentaryPeriod.ends_at) > now,
        )
        .order_by(col(ComplimentaryPeriod.ends_at).desc(), col(ComplimentaryPeriod.id))
    )
    periods: dict[str, list[ComplimentaryPeriod]] = defaultdict(list)
    for period in await session.exec(statement):
        periods[period.reader_id].append(period)
    return periods


def cover_until(
    session: AsyncSession,
    reader_id: str,
    periods: Sequence[ComplimentaryPeriod],
    ends_at: datetime,
    now: datetime,
) -> None:
    """Change the end of the open periods; the time before `now` stays as it was.

    A merged reader can have several: none of them lasts longer than the subscription that stays.
    """
    if periods and ends_at > now:
        periods[0].ends_at = ends_at
    elif ends_at > now:
        session.add(ComplimentaryPeriod(reader_id=reader_id, starts_at=now, ends_at=ends_at))
    for period in periods:
        period.ends_at = max(now, min(period.ends_at, ends_at))
        session.add(period)
