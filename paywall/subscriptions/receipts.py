"""Receipts of cancellations, and what follows from a cancellation."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.ledger import spendable_grants
from paywall.credits.responses import GRANTS_MAX
from paywall.database.tables import CancellationReceipt, Subscription
from paywall.http.bodies import ResponseModel
from paywall.http.fields import (
    CancelledWhen,
    HappenedAt,
    ReceiptNumber,
    SubscriptionId,
    TextId,
)
from paywall.rules.enums import CancelWhen
from paywall.rules.receipt_number import receipt_number
from paywall.subscriptions.period_payment import PeriodPayment

RECEIPTS_MAX = 200


class ReceiptAnswer(ResponseModel):
    """The confirmation of a cancellation, for the reader's records."""

    id: TextId
    number: ReceiptNumber
    at: HappenedAt
    subscription_id: SubscriptionId
    when: CancelledWhen
    access_until: Annotated[
        datetime, Meta(description="When the reader's access ends, by all that they have.")
    ]
    withdrawn_at: Annotated[
        datetime | None, Meta(description="When the subscription was resumed; null: never.")
    ]


class LapsingCredits(ResponseModel):
    """Credits that can be spent until `expires_at`; null: no expiry."""

    amount: Annotated[int, Meta(description="A number of credits.")]
    expires_at: Annotated[
        datetime | None, Meta(description="Spendable before this time; null: no expiry.")
    ]


class CancelAnswer(ResponseModel):
    """The exact effect of a cancellation."""

    subscription_id: SubscriptionId
    when: CancelledWhen
    access_until: Annotated[
        datetime, Meta(description="When the reader's access ends, by all that they have.")
    ]
    credits: Annotated[
        list[LapsingCredits],
        Meta(description="The remaining credits by their expiry, which does not change."),
    ]
    receipt: Annotated[ReceiptAnswer | None, Meta(description="Null for a dry run.")]
    period_payment: Annotated[
        PeriodPayment | None,
        Meta(
            description="For a dry run, what was paid for the running period: ending now refunds"
            " none of it. Null where nothing was paid."
        ),
    ] = None
    keeps_access: Annotated[
        bool | None,
        Meta(
            description="Whether the reader would still have other access, or some that waits, if"
            " it ended now; null unless a dry run."
        ),
    ] = None


async def cancel_response(
    session: AsyncSession,
    subscription: Subscription,
    when: CancelWhen,
    access_until: datetime,
    now: datetime,
    receipt: ReceiptAnswer | None = None,
) -> CancelAnswer:
    """The effect of a cancellation; without a receipt, of one that would be made."""
    grants = await spendable_grants(session, subscription.reader_id, now, at_most=GRANTS_MAX)
    # Soonest expiry first, credits without expiry last.
    in_order = sorted(grants, key=lambda grant: (grant.expires_at is None, grant.expires_at))
    return CancelAnswer(
        subscription_id=subscription.id,
        when=when,
        access_until=access_until,
        credits=[
            LapsingCredits(amount=sum(grant.remaining for grant in same), expires_at=expires_at)
            for expires_at, same in groupby(in_order, key=lambda grant: grant.expires_at)
        ],
        receipt=receipt,
    )


async def receipt_response(
    session: AsyncSession, subscription: Subscription, receipt: CancellationReceipt, now: datetime
) -> CancelAnswer:
    """The effect of a cancellation that was made, with its receipt."""
    when, until, answer = receipt.when, receipt.access_until, receipt_to_response(receipt)
    return await cancel_response(session, subscription, when, until, now, answer)


def receipt_to_response(receipt: CancellationReceipt) -> ReceiptAnswer:
    return ReceiptAnswer.from_row(receipt, number=receipt_number(receipt.id, receipt.at))


async def receipts_of(
    session: AsyncSession, subscriptions: Sequence[Subscription]
) -> dict[str, CancellationReceipt]:
    """The newest receipt of each subscription that was not withdrawn, by subscription id."""
    statement = (
        select(CancellationReceipt)
        .where(
            col(CancellationReceipt.subscription_id).in_([one.id for one in subscriptions]),
            col(CancellationReceipt.withdrawn_at).is_(None),
        )
        .order_by(col(CancellationReceipt.at), col(CancellationReceipt.id))
    )
    return {receipt.subscription_id: receipt for receipt in await session.exec(statement)}


async def all_receipts_of(
    session: AsyncSession, subscriptions: Sequence[Subscription]
) -> dict[str, list[CancellationReceipt]]:
    """The newest 200 receipts, including withdrawn ones, by subscription id."""
    statement = (
        select(CancellationReceipt)
        .where(col(CancellationReceipt.subscription_id).in_([one.id for one in subscriptions]))
        .order_by(col(CancellationReceipt.at).desc(), col(CancellationReceipt.id).desc())
        .limit(RECEIPTS_MAX)
    )
    receipts: dict[str, list[CancellationReceipt]] = defaultdict(list)
    for receipt in await session.exec(statement):
        receipts[receipt.subscription_id].append(receipt)
    return receipts


async def find_receipt(
    session: AsyncSession, subscription: Subscription, when: CancelWhen
) -> CancellationReceipt | None:
    """The receipt of an earlier cancellation that already does what is requested now."""
    is_cancelled = subscription.ended_at is not None or (
        subscription.cancel_at_period_end and when is CancelWhen.PERIOD_END
    )
    receipts = await receipts_of(session, [subscription])
    return receipts.get(subscription.id) if is_cancelled else None


async def receipt_for(
    session: AsyncSession,
    subscription: Subscription,
    when: CancelWhen,
    reason: str | None,
    now: datetime,
) -> CancellationReceipt:
    """The receipt of a subscription that Stripe has just cancelled, given once."""
    receipt = await find_receipt(session, subscription, when)
    # The receipt of a cancellation at the period's end does not state the end that it has now.
    if receipt is None or (when, receipt.when) == (CancelWhen.NOW, CancelWhen.PERIOD_END):
        return await create_receipt(session, subscription, when, reason, now)
    return receipt


async def access_until_of(session: AsyncSession, reader_id: str, now: datetime) -> datetime | None:
    """When a reader's access to everything ends; None without access, and in a renewal's leeway."""
    latest = await _latest_access(session, reader_id, now)
    return latest if latest is not None and latest > now else None


async def reader_access_until(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> datetime:
    """When the reader's access ends, by this subscription and everything that follows it.

    The subscription's own end if nothing is left.
    """
    latest = await _latest_access(session, subscription.reader_id, now)
    return latest or min(now, subscription.access_until)


async def has_other_access(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> bool:
    """Whether the reader has more than this subscription, now or waiting."""
    statement = select(func.count()).where(
        Subscription.reader_id == subscription.reader_id,
        Subscription.id != subscription.id,
        col(Subscription.entitled_until) > now,
    )
    return (await session.exec(statement)).one() > 0


async def _latest_access(session: AsyncSession, reader_id: str, now: datetime) -> datetime | None:
    """What a reader has is used without a break, so access ends with the latest end."""
    statement = select(func.max(Subscription.access_until)).where(
        Subscription.reader_id == reader_id,
        col(Subscription.entitled_until) > now,
    )
    latest: datetime | None = (await session.exec(statement)).one()
    return latest


async def create_receipt(
    session: AsyncSession,
    subscription: Subscription,
    when: CancelWhen,
    reason: str | None,
    now: datetime,
) -> CancellationReceipt:
    """The receipt of a cancellation that was just recorded; it states the reader's own access."""
    receipt = CancellationReceipt(
        id=f"receipt_{secrets.token_hex(12)}",
        reader_id=subscription.reader_id,
        subscription_id=subscription.id,
        at=now,
        when=when,
        access_until=await reader_access_until(session, subscription, now),
        reason=reason,
    )
    session.add(receipt)
    await session.flush()
    return receipt


async def withdraw_receipts(
    session: AsyncSession, subscription: Subscription, now: datetime
) -> None:
    """The cancellation was withdrawn, here or in a processor's portal."""
    for receipt in (await receipts_of(session, [subscription])).values():
        receipt.withdrawn_at = now
        session.add(receipt)
    await session.flush()
