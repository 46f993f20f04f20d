"""Cancelling and resuming subscriptions: which one, the effect, and the receipt.

Subscriptions billed by Stripe are cancelled in Stripe first; all others only here.
"""

from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import problems
from paywall.clock import Clock
from paywall.credits.locking import lock_subscriber
from paywall.database.tables import (
    CancellationReceipt,
    StripeIntent,
    StripeSubscription,
    Subscription,
)
from paywall.problems import Problem
from paywall.rules.enums import (
    PREPAID_KINDS,
    STRIPE_ENDED,
    CancelWhen,
    IntentKind,
    IntentState,
    SubscriptionKind,
)
from paywall.settings import Settings
from paywall.subscriptions.billed import end_billed_access
from paywall.subscriptions.complimentary import (
    cover_until,
    open_periods,
    recompute_unbilled,
)
from paywall.subscriptions.period_payment import load_period_payment
from paywall.subscriptions.prepaid import recompute_prepaid
from paywall.subscriptions.receipts import (
    CancelAnswer,
    cancel_response,
    create_receipt,
    find_receipt,
    has_other_access,
    reader_access_until,
    withdraw_receipts,
)
from paywall.subscriptions.responses import has_ended

CANCELLATIONS = (IntentKind.CANCEL, IntentKind.CANCEL_NOW)


async def find_subscription(
    session: AsyncSession, reader_id: str, subscription_id: str | None, now: datetime
) -> Subscription:
    """The subscription with this id, or the only one that renews.

    Where none renews, it is one whose cancellation Stripe has not confirmed to its request yet: a
    webhook may have recorded it first, and a repeat of that request has to find it.

    Raises Problem: SUBSCRIPTION_UNKNOWN, NO_SUBSCRIPTION or SEVERAL_SUBSCRIPTIONS.
    """
    mine = select(Subscription).where(Subscription.reader_id == reader_id)
    if subscription_id is not None:
        named = mine.where(Subscription.id == subscription_id)
        subscription = (await session.exec(named)).first()
        if subscription is None:
            raise Problem(problems.SUBSCRIPTION_UNKNOWN)
        return subscription
    status = col(StripeSubscription.status)
    may_renew = status.not_in(STRIPE_ENDED) | (
        status.is_(None) & (col(Subscription.entitled_until) > now)
    )
    renewing = (
        mine.outerjoin(StripeSubscription, col(StripeSubscription.id) == Subscription.id)
        .where(Subscription.kind == SubscriptionKind.STRIPE, may_renew)
        .limit(2)
    )
    being_cancelled = (
        mine.join(StripeIntent, col(StripeIntent.target) == Subscription.id)
        .where(col(StripeIntent.kind).in_(CANCELLATIONS), StripeIntent.state == IntentState.ASKED)
        .limit(2)
    )
    found = (await session.exec(renewing)).all() or (await session.exec(being_cancelled)).all()
    if len(found) > 1:
        raise Problem(problems.SEVERAL_SUBSCRIPTIONS)
    if not found:
        raise Problem(problems.NO_SUBSCRIPTION)
    return found[0]


async def cancel_subscription(
    session: AsyncSession,
    reader_id: str,
    subscription_id: str | None,
    when: CancelWhen,
    *,
    reason: str | None,
    clock: Clock,
) -> tuple[Subscription, CancellationReceipt] | None:
    """Cancel and create the receipt; cancelling twice returns the first receipt.

    None, and no change, if Stripe bills the subscription: it must be cancelled in Stripe first.
    Raises Problem(SUBSCRIPTION_ENDED) if it has already ended.
    """
    await lock_subscriber(session, reader_id)
    now = clock.now()
    subscription = await find_subscription(session, reader_id, subscription_id, now)
    if subscription.kind is SubscriptionKind.STRIPE:
        return None
    refuse_ended(subscription, now)
    if (receipt := await find_receipt(session, subscription, when)) is not None:
        return subscription, receipt
    subscription.cancel_at_period_end = True
    if when is CancelWhen.NOW:
        await end_now(session, subscription, now)
    session.add(subscription)
    return subscription, await create_receipt(session, subscription, when, reason, now)


async def preview_cancellation(
    session: AsyncSession,
    reader_id: str,
    subscription_id: str | None,
    when: CancelWhen,
    *,
    settings: Settings,
    clock: Clock,
) -> CancelAnswer:
    """The effect that cancelling would have; the caller's transaction must be a discarding one."""
    await lock_subscriber(session, reader_id)
    now = clock.now()
    subscription = await find_subscription(session, reader_id, subscription_id, now)
    refuse_ended(subscription, now)
    paid = await load_period_payment(session, subscription, settings, now)
    keeps_access = await has_other_access(session, subscription, now)
    if when is CancelWhen.NOW and subscription.ended_at is None:
        await end_now(session, subscription, now)
    until = await reader_access_until(session, subscription, now)
    answer = await cancel_response(session, subscription, when, until, now)
    answer.period_payment, answer.keeps_access = paid, keeps_access
    return answer


def refuse_ended(subscription: Subscription, now: datetime) -> None:
    """Raises Problem(SUBSCRIPTION_ENDED), unless it was cancelled with "now" or Stripe bills it."""
    is_billed = subscription.kind is SubscriptionKind.STRIPE
    if subscription.ended_at is None and has_ended(subscription, now) and not is_billed:
        raise Problem(problems.SUBSCRIPTION_ENDED)


async def end_now(session: AsyncSession, subscription: Subscription, now: datetime) -> None:
    """End a subscription's own access at once; the reader's prepaid time goes on."""
    if await session.get(StripeSubscription, subscription.id) is not None:
        await end_billed_access(session, subscription, now)
        return
    subscription.ended_at = now
    if subscription.kind not in PREPAID_KINDS:
        recompute_unbilled(session, subscription)
    if subscription.kind is SubscriptionKind.COMPLIMENTARY:
        periods = await open_periods(session, [subscription.reader_id], now)
        cover_until(session, subscription.reader_id, periods[subscription.reader_id], now, now)
    await session.flush()
    await recompute_prepaid(session, subscription.reader_id)


async def resume_subscription(
    session: AsyncSession, reader_id: str, subscription_id: str | None, *, clock: Clock
) -> Subscription | None:
    """Withdraw a cancellation before the end; a no-op if it was not cancelled.

    None, and no change, if Stripe bills the subscription: it must be resumed in Stripe first.
    """
    await lock_subscriber(session, reader_id)
    now = clock.now()
    subscription = await find_subscription(session, reader_id, subscription_id, now)
    if subscription.kind is SubscriptionKind.STRIPE:
        return None
    if has_ended(subscription, now):
        raise Problem(problems.SUBSCRIPTION_ENDED)
    if subscription.cancel_at_period_end:
        subscription.cancel_at_period_end = False
        session.add(subscription)
        await withdraw_receipts(session, subscription, now)
    return subscription
