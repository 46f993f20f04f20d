"""Withdrawals: a reader declares that they withdraw from the contract of a purchase.

Of a payment by Stripe the money goes back there (`processors/stripe/withdraw`). Of any other the
declaration alone is recorded: the site returns the money and records the refund.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta
from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_subscriber
from paywall.database.tables import (
    Checkout,
    CreditGrant,
    LedgerEntry,
    Purchase,
    StripeInvoice,
    StripeSubscription,
    Subscription,
    Withdrawal,
)
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import NUMBER_MAX, ReaderId
from paywall.http.paging import Page, newest_first
from paywall.problems import (
    NOT_WITHDRAWABLE,
    PURCHASE_UNKNOWN,
    WITHDRAWAL_LOST,
    WITHDRAWAL_OVER,
    Problem,
)
from paywall.rules.enums import EntryKind, ProductKind, WithdrawalState
from paywall.rules.withdrawal import (
    PurchaseFacts,
    Withdrawability,
    withdrawability,
    withdrawable_until,
)
from paywall.settings import Settings

REFUSALS_OF_WITHDRAWAL = (PURCHASE_UNKNOWN, NOT_WITHDRAWABLE, WITHDRAWAL_OVER, WITHDRAWAL_LOST)
PROBLEMS = {
    Withdrawability.NONE: NOT_WITHDRAWABLE,
    Withdrawability.OVER: WITHDRAWAL_OVER,
    Withdrawability.LOST: WITHDRAWAL_LOST,
}


class WithdrawalInput(RequestModel, kw_only=True):
    """The purchase to withdraw from."""

    purchase_id: Annotated[
        int, Meta(ge=1, le=NUMBER_MAX, description="The id of the reader's purchase.")
    ]
    dry_run: Annotated[bool, Meta(description="Show the effect without changing anything.")] = False


class WithdrawalAnswer(ResponseModel):
    """A withdrawal from the contract of a purchase."""

    id: Annotated[str | None, Meta(description="Its id, for the receipt; null for a dry run.")]
    purchase_id: Annotated[int, Meta(description="The purchase that was withdrawn from.")]
    reader_id: ReaderId
    at: Annotated[datetime | None, Meta(description="When it was declared; null for a dry run.")]
    amount: Annotated[
        int, Meta(description="What goes back, in the currency's smallest unit by ISO 4217.")
    ]
    currency: Annotated[str, Meta(description="ISO 4217, in lower case.")]
    is_returned: Annotated[bool, Meta(description="Whether the refund is recorded.")]
    state: Annotated[
        WithdrawalState | None,
        Meta(
            description="`declared` until Stripe has confirmed that it refunds the payment and ends"
            " its subscription, for which the service asks again by itself; null for a dry run."
        ),
    ]
    credits_lost: Annotated[
        int | None,
        Meta(description="How many credits the reader would lose by it; null unless a dry run."),
    ] = None
    articles_lost: Annotated[
        int | None,
        Meta(
            description="How many unlocked articles would be locked again; null unless a dry run."
        ),
    ] = None


def amount_left(purchase: Purchase) -> int:
    """What was paid and did not go back, by refunds, disputes or credits for a switch of plans."""
    return purchase.amount_paid - max(purchase.refunded, purchase.taken_back)


def withdrawal_to_response(purchase: Purchase, withdrawal: Withdrawal) -> WithdrawalAnswer:
    return WithdrawalAnswer(
        id=withdrawal.id,
        purchase_id=purchase.id,
        reader_id=purchase.reader_id,
        at=withdrawal.at,
        amount=withdrawal.amount,
        currency=purchase.currency,
        is_returned=amount_left(purchase) <= 0,
        state=WithdrawalState.CONFIRMED if withdrawal.confirmed_at else WithdrawalState.DECLARED,
    )


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


async def withdrawals_of(
    session: AsyncSession, purchase_ids: Collection[int]
) -> dict[int, Withdrawal]:
    """The confirmed withdrawals from these purchases, by the purchase."""
    statement = select(Withdrawal).where(
        col(Withdrawal.purchase_id).in_(purchase_ids), col(Withdrawal.confirmed_at).is_not(None)
    )
    return {one.purchase_id: one for one in await session.exec(statement)}


async def declared_of(session: AsyncSession, reader_ids: Collection[str]) -> Sequence[Withdrawal]:
    """What these readers declared and the processor has not confirmed."""
    statement = select(Withdrawal).where(
        col(Withdrawal.reader_id).in_(reader_ids), col(Withdrawal.confirmed_at).is_(None)
    )
    return (await session.exec(statement)).all()


async def find_purchase_of(session: AsyncSession, reader_id: str, purchase_id: int) -> Purchase:
    """Raises Problem(PURCHASE_UNKNOWN) unless the reader has this purchase."""
    purchase = await session.get(Purchase, purchase_id, populate_existing=True)
    if purchase is None or purchase.reader_id != reader_id:
        raise Problem(PURCHASE_UNKNOWN)
    return purchase


async def lock_purchase_of(session: AsyncSession, reader_id: str, purchase_id: int) -> Purchase:
    """Lock the reader and return their purchase. Raises Problem(PURCHASE_UNKNOWN)."""
    await lock_subscriber(session, reader_id)
    return await find_purchase_of(session, reader_id, purchase_id)


async def declare_withdrawal(
    session: AsyncSession, purchase: Purchase, settings: Settings, now: datetime
) -> Withdrawal:
    """The withdrawal from a locked purchase: the one on record, or one that is not confirmed yet.

    Raises Problem where the purchase cannot be withdrawn from.
    """
    known = select(Withdrawal).where(Withdrawal.purchase_id == purchase.id)
    if (withdrawal := (await session.exec(known)).first()) is not None:
        return withdrawal
    facts = await _facts_of(session, purchase, now)
    zone = ZoneInfo(settings.meter_timezone)
    outcome = withdrawability(facts, settings.withdrawal_days, zone, now)
    if problem := PROBLEMS.get(outcome):
        raise Problem(problem)
    withdrawal = Withdrawal(
        id=f"withdrawal_{secrets.token_hex(12)}",
        reader_id=purchase.reader_id,
        purchase_id=purchase.id,
        amount=facts.amount_left,
        at=now,
    )
    session.add(withdrawal)
    await session.flush()
    return withdrawal


async def _facts_of(session: AsyncSession, purchase: Purchase, now: datetime) -> PurchaseFacts:
    return PurchaseFacts(
        bought_at=purchase.created_at,
        begins_contract=purchase.id in await begin_contracts(session, [purchase.id]),
        amount_left=amount_left(purchase),
        consent_at=await _consent_at(session, purchase),
        is_delivered=await _is_delivered(session, purchase, now),
    )


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


async def list_withdrawals(
    session: AsyncSession, *, outstanding: bool, limit: int, cursor: str | None
) -> Page[WithdrawalAnswer]:
    """All withdrawals, newest first; or only confirmed ones whose refund is not on record."""
    statement = select(Withdrawal)
    if outstanding:
        owed = select(Purchase.id).where(
            col(Purchase.refunded) < col(Purchase.amount_paid),
            col(Purchase.taken_back) < col(Purchase.amount_paid),
        )
        statement = statement.where(
            col(Withdrawal.confirmed_at).is_not(None), col(Withdrawal.purchase_id).in_(owed)
        )
    rows, next_cursor = await newest_first(
        session, statement, at=Withdrawal.at, id=Withdrawal.id, limit=limit, cursor=cursor
    )
    ids = [row.purchase_id for row in rows]
    bought = await session.exec(select(Purchase).where(col(Purchase.id).in_(ids)))
    purchases = {purchase.id: purchase for purchase in bought}
    answers = [withdrawal_to_response(purchases[row.purchase_id], row) for row in rows]
    return Page(items=answers, next_cursor=next_cursor)
