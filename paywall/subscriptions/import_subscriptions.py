"""Importing subscriptions from another system: complimentary ones, and those billed by Stripe."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_or_create_subscribers
from paywall.database.tables import ComplimentaryPeriod, Subscription
from paywall.problems import differing_fields
from paywall.rules.enums import SubscriptionKind, UpsertOutcome
from paywall.subscriptions.complimentary import (
    complimentary_of,
    cover_until,
    new_complimentary,
    open_periods,
    restart_ended,
    set_plan_and_end,
)
from paywall.subscriptions.prepaid import recompute_prepaid, with_prepaid


class ImportedSubscription(NamedTuple):
    """A Stripe subscription if it has a Stripe id, else the reader's complimentary one."""

    reader_id: str
    plan_id: str | None
    current_period_end: datetime
    stripe_subscription_id: str | None

    def differing(self, known: Subscription) -> list[str]:
        """The fields in which an existing subscription differs."""
        fields = {
            "reader_id": known.reader_id,
            "plan_id": known.plan_id,
            "current_period_end": known.paid_through,
        }
        return differing_fields(fields, self)


# What was done, or the fields in which a known Stripe subscription of the same id differs.
ImportResult = UpsertOutcome | list[str]


async def import_subscriptions(
    session: AsyncSession, all_migrated: Sequence[ImportedSubscription], *, clock: Clock
) -> list[ImportResult]:
    """Import subscriptions; no two may be the same.

    A Stripe subscription that is already known stays unchanged. A complimentary one is put unless
    it has the same fields already, so repeating an import does not restart an ended one.
    """
    known = await _known_stripe_subscriptions(session, all_migrated)
    reader_ids = {m.reader_id for m in all_migrated if m.stripe_subscription_id not in known}
    await lock_or_create_subscribers(session, reader_ids, clock.now())
    now = clock.now()
    held = await complimentary_of(session, reader_ids)
    periods = await open_periods(session, reader_ids, now)
    migrated: list[ImportResult] = []
    for subscription in all_migrated:
        stripe_id = subscription.stripe_subscription_id
        if stripe_id is None:
            migrated.append(
                _put_complimentary(
                    session,
                    subscription,
                    held.get(subscription.reader_id),
                    periods.get(subscription.reader_id, []),
                    now,
                )
            )
        elif stripe_id in known:
            migrated.append(subscription.differing(known[stripe_id]) or UpsertOutcome.UNCHANGED)
        else:
            session.add(_new_stripe_subscription(subscription, stripe_id, now))
            migrated.append(UpsertOutcome.CREATED)
    await session.flush()
    for reader_id in await with_prepaid(session, reader_ids):
        await recompute_prepaid(session, reader_id)
    return migrated


async def _known_stripe_subscriptions(
    session: AsyncSession, migrated: Sequence[ImportedSubscription]
) -> dict[str | None, Subscription]:
    stripe_ids = {m.stripe_subscription_id for m in migrated if m.stripe_subscription_id}
    statement = select(Subscription).where(col(Subscription.id).in_(stripe_ids))
    return {known.id: known for known in await session.exec(statement)}


def _put_complimentary(
    session: AsyncSession,
    migrated: ImportedSubscription,
    held: Subscription | None,
    periods: Sequence[ComplimentaryPeriod],
    now: datetime,
) -> UpsertOutcome:
    if held is not None and not migrated.differing(held):
        return UpsertOutcome.UNCHANGED
    end = migrated.current_period_end
    subscription = held or new_complimentary(migrated.reader_id, end, now)
    begins = held is None or restart_ended(held, now)
    set_plan_and_end(session, subscription, migrated.plan_id, end)
    cover_until(session, migrated.reader_id, periods, end, now)
    return UpsertOutcome.CREATED if begins else UpsertOutcome.REPLACED


def _new_stripe_subscription(
    migrated: ImportedSubscription, stripe_id: str, now: datetime
) -> Subscription:
    end = migrated.current_period_end
    return Subscription(
        id=stripe_id,
        reader_id=migrated.reader_id,
        kind=SubscriptionKind.STRIPE,
        plan_id=migrated.plan_id,
        starts_at=now,
        paid_through=end,
        entitled_until=end,
        access_until=end,
        created_at=now,
    )
