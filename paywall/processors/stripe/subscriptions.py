"""Subscriptions that Stripe bills: recording what it says of one, and the end that follows.

Recording is a function of what was fetched: once or often, and whatever came before, it ends in
the same state.
"""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import StripeSubscription, Subscription
from paywall.processors.stripe.objects import StripeSubscriptionSnapshot
from paywall.processors.stripe.prices import find_price
from paywall.rules.enums import STRIPE_ENDED, SubscriptionKind
from paywall.settings import Settings
from paywall.subscriptions.billed import recompute_billed_access
from paywall.subscriptions.responses import receipts_of

DAY_SECONDS = 86_400


async def record_subscription(
    session: AsyncSession,
    seen: StripeSubscriptionSnapshot,
    reader_id: str,
    *,
    settings: Settings,
    now: datetime,
) -> Subscription:
    """Write down a subscription as it was seen; the caller holds its customer's lock."""
    price = await find_price(session, seen.price_id)
    subscription = await session.get(Subscription, seen.id) or _new(seen, reader_id, now)
    subscription.plan_id = price.product_id if price else subscription.plan_id
    subscription.starts_at = seen.started_at
    subscription.cancel_at_period_end = seen.is_cancelled or seen.status in STRIPE_ENDED
    billing = await session.merge(
        StripeSubscription(
            id=seen.id,
            customer_id=seen.customer_id,
            price_id=seen.price_id,
            status=seen.status,
            trial_ends_at=seen.trial_ends_at,
            will_renew=seen.will_renew,
            next_payment_at=seen.period_ends_at if seen.will_renew else None,
            payment_type=seen.payment_type,
            grace_seconds=settings.grace_days * DAY_SECONDS,
            leeway_seconds=settings.renewal_leeway_seconds,
        )
    )
    if not subscription.cancel_at_period_end:
        await _withdraw_receipts(session, subscription, now)
    await recompute_billed_access(session, subscription, billing)
    return subscription


def _new(seen: StripeSubscriptionSnapshot, reader_id: str, now: datetime) -> Subscription:
    return Subscription(
        id=seen.id,
        reader_id=reader_id,
        kind=SubscriptionKind.STRIPE,
        starts_at=seen.started_at,
        paid_through=seen.started_at,
        entitled_until=seen.started_at,
        access_until=seen.started_at,
        created_at=now,
    )


async def _withdraw_receipts(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> None:
    """It goes on after all, wherever it was resumed: here, or in Stripe's portal."""
    for receipt in (await receipts_of(session, [subscription])).values():
        receipt.withdrawn_at = now
        session.add(receipt)
    await session.flush()
