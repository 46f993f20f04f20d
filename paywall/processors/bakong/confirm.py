"""Asking the bank about codes, and recording its answers: what it confirms is given, once.

Each flow commits that it asks, asks, and records the answer in one transaction. A crash between two
of these steps loses nothing, because the question is asked again.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.clock import Clock
from paywall.database.tables import KhqrCode, Purchase, UnmatchedPayment
from paywall.problems import Unconfirmed
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.give import CodePayment, give
from paywall.processors.bakong.locking import lock_row
from paywall.processors.bakong.match import ExpectedPayment, amount_paid, why_unmatched
from paywall.processors.bakong.objects import BankTransaction
from paywall.processors.bakong.state import next_ask_at, take_question
from paywall.processors.bakong.unmatched import add_unmatched
from paywall.rules.enums import Actor, CodeOutcome, Processor
from paywall.settings import Settings
from paywall.telemetry import logger

ACTOR = Actor("bakong", "bakong", "")


async def ask_about(context: BakongContext, code: KhqrCode) -> KhqrCode:
    """The code as the bank knows it now, or as it did at most ASKED_EVERY ago.

    Raises Unconfirmed where the bank does not answer clearly. A HEAD request asks nothing, as it
    could not record that it did.
    """
    database = context.database
    if not database.discards_writes:
        async with database.writing() as session:
            is_taken = await take_question(session, code.id, database.clock.now())
        if is_taken:
            await record_answer(context, code.id, await context.client.transaction(code.md5))
    async with database.reading() as session:
        return await session.get_one(KhqrCode, code.id)


async def find_paid(context: BakongContext, codes: Sequence[KhqrCode]) -> list[KhqrCode]:
    """Those of at most 50 codes that the bank reports as paid; it is recorded of the others.

    The caller has marked them as asked about. Raises Unconfirmed.
    """
    database = context.database
    paid = await context.client.paid_among([code.md5 for code in codes])
    unpaid_ids = [code.id for code in codes if code.md5 not in paid]
    async with database.writing() as session:
        answered_at = database.clock.now()
        unpaid = select(KhqrCode).where(col(KhqrCode.id).in_(unpaid_ids))
        # Without waiting, because a merge locks codes of several readers in an order of its own.
        for code in await session.exec(unpaid.with_for_update(skip_locked=True)):
            _record_time(session, code, answered_at)
    telemetry.count_khqr_codes(CodeOutcome.NOT_PAID, len(unpaid_ids))
    return [code for code in codes if code.md5 in paid]


async def record_answer(
    context: BakongContext, code_id: str, transaction: BankTransaction | None
) -> CodeOutcome:
    """Record what the bank answered about a code, and give what it confirms, in one transaction."""
    async with context.database.writing() as session:
        clock = context.database.clock
        code = await lock_row(session, KhqrCode, code_id)
        outcome = CodeOutcome.NOT_PAID
        if transaction is not None:
            outcome = await _record_payment(session, code, transaction, context.settings, clock)
        _record_time(session, code, clock.now())
    telemetry.count_khqr_codes(outcome)
    return outcome


def _record_time(session: AsyncSession, code: KhqrCode, answered_at: datetime) -> None:
    code.answered_at = answered_at
    code.next_ask_at = next_ask_at(code, answered_at)
    session.add(code)


async def _record_payment(
    session: AsyncSession,
    code: KhqrCode,
    transaction: BankTransaction,
    settings: Settings,
    clock: Clock,
) -> CodeOutcome:
    amount = amount_paid(transaction)
    if amount is None:
        logger.error("bakong states an amount that is none", extra={"fields": {"code": code.id}})
        raise Unconfirmed("Bakong states an amount that is none.", is_answered=True)
    if await _is_known(session, code, transaction.hash):
        return CodeOutcome.KNOWN
    expected = ExpectedPayment(
        account=code.account,
        amount=code.amount,
        currency=code.currency,
        is_paid=code.purchase_id is not None,
        is_erased=code.return_url is None,
    )
    if reason := why_unmatched(expected, transaction):
        await add_unmatched(session, code, transaction, amount, reason, clock.now())
        return CodeOutcome.UNMATCHED
    payment = CodePayment(transaction.hash, amount, transaction.currency, transaction.at)
    purchase = await give(session, code, payment, ACTOR, settings, clock)
    # The same payment may have been recorded for another code since.
    return CodeOutcome.KNOWN if purchase is None else CodeOutcome.GIVEN


async def _is_known(session: AsyncSession, code: KhqrCode, hash_: str) -> bool:
    """Whether this payment is on record: as a purchase, or as one that matches no code."""
    if code.hash == hash_:
        return True
    unmatched = select(UnmatchedPayment.id).where(UnmatchedPayment.hash == hash_)
    if (await session.exec(unmatched)).first() is not None:
        return True
    given = select(Purchase.id).where(
        Purchase.processor == Processor.BAKONG, Purchase.reference == hash_
    )
    if (await session.exec(given)).first() is None:
        return False
    logger.error("bakong reports a payment for two codes", extra={"fields": {"code": code.id}})
    return True
