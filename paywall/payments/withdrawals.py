"""Withdrawals: a reader declares that they withdraw from the contract of a purchase.

Of a payment by Stripe the money goes back there (`processors/stripe/withdraw`). Of any other the
declaration alone is recorded: the site returns the money and records the refund.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.locking import lock_subscriber
from paywall.database.tables import Purchase, Withdrawal
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
from paywall.rules.enums import WithdrawalState
from paywall.rules.receipt_number import receipt_number
from paywall.rules.withdrawal import Withdrawability
from paywall.settings import Settings
from paywall.subscriptions.withdrawability import amount_left, withdrawability_of

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
    number: Annotated[
        str | None, Meta(description="The number of its receipt; null for a dry run.")
    ]
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


def withdrawal_to_response(purchase: Purchase, withdrawal: Withdrawal) -> WithdrawalAnswer:
    return WithdrawalAnswer(
        id=withdrawal.id,
        number=receipt_number(withdrawal.id, withdrawal.at),
        purchase_id=purchase.id,
        reader_id=purchase.reader_id,
        at=withdrawal.at,
        amount=withdrawal.amount,
        currency=purchase.currency,
        is_returned=amount_left(purchase) <= 0,
        state=WithdrawalState.CONFIRMED if withdrawal.confirmed_at else WithdrawalState.DECLARED,
    )


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
    outcome = await withdrawability_of(session, purchase, settings, now)
    if problem := PROBLEMS.get(outcome):
        raise Problem(problem)
    withdrawal = Withdrawal(
        id=f"withdrawal_{secrets.token_hex(12)}",
        reader_id=purchase.reader_id,
        purchase_id=purchase.id,
        amount=amount_left(purchase),
        at=now,
    )
    session.add(withdrawal)
    await session.flush()
    return withdrawal


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
