"""Whether what was paid can be withdrawn from, and until when."""

from collections.abc import Collection, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    Checkout,
    CreditGrant,
    KhqrCode,
    LedgerEntry,
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.rules.enums import EntryKind, ProductKind
from paywall.rules.withdrawal import (
    PurchaseFacts,
    Withdrawability,
    withdrawability,
    withdrawable_until,
)
from paywall.settings import Settings


def amount_left(purchase: Purchase) -> int:
    """What was paid and did not go back, by refunds, disputes or credits for a switch of plans."""
    return purchase.amount_paid - max(purchase.refunded, purchase.taken_back)


async def begin_contracts(session: AsyncSession, purchase_ids: Collection[int]) -> set[int]:
    """Those of these purchases that are no renewal of a subscription and no switch of its plan.

    A subscription's first paid invoice begins with it, or when its trial ends.
    """
    statement = (
        select(
            StripeInvoice.purchase_id,
            StripeInvoice.period_starts_at,
            Subscription.starts_at,
            StripeSubscription.trial_ends_at,
        )
        .join(Subscription, col(Subscription.id) == StripeInvoice.subscription_id)
        .join(StripeSubscription, col(StripeSubscription.id) == StripeInvoice.subscription_id)
        .where(col(StripeInvoice.purchase_id).in_(purchase_ids))
    )
    later = {
        purchase_id
        for purchase_id, period_starts_at, starts_at, trial_ends_at in await session.exec(statement)
        if period_starts_at is None or period_starts_at > max(starts_at, trial_ends_at or starts_at)
    }
    return set(purchase_ids) - later


async def withdrawable_until_of(
    session: AsyncSession, purchases: Sequence[Purchase], settings: Settings
) -> dict[int, datetime]:
    """Until when each of these purchases can be withdrawn from, without those that cannot be."""
    if settings.withdrawal_days == 0:
        return {}
    begun = await begin_contracts(session, [purchase.id for purchase in purchases])
    zone = ZoneInfo(settings.meter_timezone)
    ends = {
        purchase.id: withdrawable_until(
            PurchaseFacts(purchase.created_at, purchase.id in begun, amount_left(purchase)),
            settings.withdrawal_days,
            zone,
        )
        for purchase in purchases
    }
    return {purchase_id: end for purchase_id, end in ends.items() if end is not None}


async def withdrawability_of(
    session: AsyncSession, purchase: Purchase, settings: Settings, now: datetime
) -> Withdrawability:
    """Whether the purchase can be withdrawn from now."""
    facts = PurchaseFacts(
        bought_at=purchase.created_at,
        begins_contract=purchase.id in await begin_contracts(session, [purchase.id]),
        amount_left=amount_left(purchase),
        consent_at=await _consent_at(session, purchase),
        is_delivered=await _is_delivered(session, purchase, now),
    )
    zone = ZoneInfo(settings.meter_timezone)
    return withdrawability(facts, settings.withdrawal_days, zone, now)


async def _consent_at(session: AsyncSession, purchase: Purchase) -> datetime | None:
    """When the reader agreed to immediate delivery, on the way to pay."""
    billed = select(StripeInvoice.subscription_id).where(StripeInvoice.purchase_id == purchase.id)
    statement = select(func.min(Checkout.consent_at)).where(
        Checkout.reader_id == purchase.reader_id,
        or_(
            col(Checkout.purchase_id) == purchase.id,
            # A trial's checkout was for an invoice of nothing.
            col(Checkout.subscription_id).in_(billed),
        ),
    )
    consent_at: datetime | None = (await session.exec(statement)).one()
    if consent_at is None:
        scanned = select(KhqrCode.consent_at).where(KhqrCode.purchase_id == purchase.id)
        consent_at = (await session.exec(scanned)).first()
    return consent_at


async def _is_delivered(session: AsyncSession, purchase: Purchase, now: datetime) -> bool:
    """Whether a credit of a pack was spent, or the time of anything else has begun."""
    if purchase.product_kind is not ProductKind.PACK:
        waiting = select(Subscription.id).where(
            Subscription.purchase_id == purchase.id, col(Subscription.starts_at) > now
        )
        return (await session.exec(waiting.limit(1))).first() is None
    grants = select(CreditGrant.id).where(CreditGrant.purchase_id == purchase.id)
    spent = select(func.coalesce(func.sum(LedgerEntry.amount), 0)).where(
        col(LedgerEntry.grant_id).in_(grants),
        col(LedgerEntry.kind).in_((EntryKind.SPENT, EntryKind.RESTORED)),
    )
    return int((await session.exec(spent)).one()) < 0
