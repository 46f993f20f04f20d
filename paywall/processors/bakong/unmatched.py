"""Payments that match no code: kept for the site, which gives them or returns their money."""

import secrets
from datetime import datetime

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.bakong_problems import (
    READER_ERASED,
    UNMATCHED_PAYMENT_RESOLVED,
    UNMATCHED_PAYMENT_UNKNOWN,
)
from paywall.clock import Clock
from paywall.database.dialect import insert
from paywall.database.tables import KhqrCode, UnmatchedPayment
from paywall.database.tables.actor import actor_values
from paywall.http.paging import Page, newest_first
from paywall.payments.unmatched_models import UnmatchedPaymentAnswer, unmatched_to_response
from paywall.problems import Problem
from paywall.processors.bakong.give import CodePayment, give
from paywall.processors.bakong.locking import lock_row
from paywall.processors.bakong.objects import BankTransaction
from paywall.rules.enums import Actor, PaymentResolution, UnmatchedReason
from paywall.settings import Settings


async def add_unmatched(
    session: AsyncSession,
    code: KhqrCode,
    transaction: BankTransaction,
    amount: int,
    reason: UnmatchedReason,
    now: datetime,
) -> None:
    """Keep a payment for the site to decide about, once."""
    added = insert(session, UnmatchedPayment).values(
        id=f"unmatched_{secrets.token_hex(12)}",
        code_id=code.id,
        reader_id=code.reader_id,
        hash=transaction.hash,
        from_account=transaction.from_account,
        to_account=transaction.to_account,
        amount=amount,
        currency=transaction.currency,
        reason=reason,
        paid_at=transaction.at,
        found_at=now,
    )
    await session.exec(added.on_conflict_do_nothing(index_elements=[col(UnmatchedPayment.hash)]))


async def resolve_unmatched(
    session: AsyncSession,
    payment_id: str,
    resolution: PaymentResolution,
    note: str | None,
    *,
    actor: Actor,
    settings: Settings,
    clock: Clock,
) -> UnmatchedPayment:
    """Give what was paid for, or note that the money was returned; repeating it changes nothing.

    Raises Problem: UNMATCHED_PAYMENT_UNKNOWN, UNMATCHED_PAYMENT_RESOLVED, READER_ERASED.
    """
    if await session.get(UnmatchedPayment, payment_id) is None:
        raise Problem(UNMATCHED_PAYMENT_UNKNOWN)
    payment = await lock_row(session, UnmatchedPayment, payment_id)
    if payment.resolution is not None:
        if payment.resolution is not resolution:
            raise Problem(UNMATCHED_PAYMENT_RESOLVED)
        return payment
    if resolution is PaymentResolution.GIVEN:
        payment.purchase_id = await _give(session, payment, actor, settings, clock)
    payment.resolution, payment.resolved_at, payment.note = resolution, clock.now(), note
    for name, value in actor_values(actor).items():
        setattr(payment, name, value)
    session.add(payment)
    await session.flush()
    return payment


async def _give(
    session: AsyncSession,
    payment: UnmatchedPayment,
    actor: Actor,
    settings: Settings,
    clock: Clock,
) -> int:
    code = await session.get_one(KhqrCode, payment.code_id, populate_existing=True)
    if code.return_url is None:
        raise Problem(READER_ERASED)
    paid = CodePayment(payment.hash, payment.amount, payment.currency, payment.paid_at)
    purchase = await give(session, code, paid, actor, settings, clock)
    if purchase is None:
        # Only the bank could cause this, by one payment for two codes.
        raise Problem(UNMATCHED_PAYMENT_RESOLVED, "A purchase with this hash exists already.")
    return purchase.id


async def count_outstanding(session: AsyncSession) -> int:
    """How many payments the site has to decide about."""
    outstanding = select(func.count()).where(col(UnmatchedPayment.resolution).is_(None))
    return (await session.exec(outstanding)).one()


async def list_unmatched(
    session: AsyncSession, *, outstanding: bool, limit: int, cursor: str | None
) -> Page[UnmatchedPaymentAnswer]:
    """All of them, newest first; or only those that the site has to decide about."""
    statement = select(UnmatchedPayment)
    if outstanding:
        statement = statement.where(col(UnmatchedPayment.resolution).is_(None))
    rows, next_cursor = await newest_first(
        session,
        statement,
        at=UnmatchedPayment.found_at,
        id=UnmatchedPayment.id,
        limit=limit,
        cursor=cursor,
    )
    return Page(items=[unmatched_to_response(row) for row in rows], next_cursor=next_cursor)
