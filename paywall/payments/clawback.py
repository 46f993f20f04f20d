"""Applying clawbacks to a reader's credits and unlocks."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, delete, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.ledger import add_entry, grant_balance, write_off
from paywall.database.tables import (
    Clawback,
    CreditGrant,
    Purchase,
    Refund,
    StripeInvoice,
    StripeProration,
    Unlock,
    UnlockPayment,
)
from paywall.rules.enums import Actor, ClawbackKind, EntryKind
from paywall.rules.refunds import (
    ClawbackStep,
    CreditedPeriod,
    CreditState,
    GrantState,
    PaidUnlock,
    credits_owed,
    credits_owed_after_credit,
    settle_clawbacks,
)
from paywall.rules.spending import is_expired
from paywall.rules.tombstone import is_tombstone
from paywall.subscriptions.clawback_times import credited_from, prorations_of


class _Loaded(NamedTuple):
    credit_state: CreditState
    owed: dict[int, int]
    grants: dict[int, CreditGrant]
    unlocks: dict[int, Unlock]


async def settle_credits(
    session: AsyncSession, purchase: Purchase, *, actor: Actor, now: datetime
) -> None:
    """Change the reader's credits and unlocks to match the current clawbacks.

    The caller holds the subscriber's lock. A no-op for erased readers, whose unlocks are deleted.
    """
    if is_tombstone(purchase.reader_id):
        return
    loaded = await _load(session, purchase.reader_id, now)
    if not loaded.owed:
        return
    before = deepcopy(loaded.credit_state)
    settle_clawbacks(loaded.credit_state, loaded.owed)
    await _write_changes(session, loaded, before, actor, now)
    await _replace_steps(session, purchase.reader_id, loaded.credit_state.steps)


async def _load(session: AsyncSession, reader_id: str, now: datetime) -> _Loaded:
    credited = await _credited_periods(session, reader_id)
    refunded = await _refunded_grants(session, reader_id, credited.keys())
    clawbacks = await _clawbacks(session, reader_id)
    unlocks = await _unlocks(session, refunded.keys(), {t.unlock_id for t in clawbacks})
    shares = await _shares(session, unlocks.keys())
    others = {grant_id for of_unlock in shares.values() for grant_id in of_unlock}
    grants = await _grants(session, refunded.keys() | others)
    unspent = await _unspent(session, grants, clawbacks)
    return _Loaded(
        credit_state=CreditState(
            grants_by_id={
                grant_id: GrantState(
                    grant_id,
                    unspent[grant_id],
                    is_unspendable=is_expired(grant_balance(grant), now)
                    or grant.voided_at is not None,
                    taken=sum(t.credits for t in clawbacks if t.grant_id == grant_id),
                )
                for grant_id, grant in grants.items()
            },
            unlocks={
                unlock_id: PaidUnlock(
                    unlock_id,
                    unlock.article_id,
                    unlock.unlocked_at,
                    shares[unlock_id],
                    is_in_force=unlock.revoked_at is None,
                )
                for unlock_id, unlock in unlocks.items()
            },
            steps=[ClawbackStep(t.grant_id, t.unlock_id, t.credits) for t in clawbacks],
            unlocked_elsewhere=await _unlocked_elsewhere(session, reader_id, unlocks),
        ),
        owed={
            grant_id: _owed(grants[grant_id], paid_for, credited.get(paid_for.id))
            for grant_id, paid_for in refunded.items()
        },
        grants=grants,
        unlocks=unlocks,
    )


def _owed(grant: CreditGrant, paid_for: Purchase, credited: CreditedPeriod | None) -> int:
    if credited is not None:
        return credits_owed_after_credit(grant.amount, paid_for.amount_paid, credited)
    return credits_owed(grant.amount, paid_for.amount_paid, paid_for.taken_back)


async def _credited_periods(session: AsyncSession, reader_id: str) -> dict[int, CreditedPeriod]:
    """The time of invoices that is credited by later ones, by purchase id."""
    refunded = (
        select(func.coalesce(func.sum(Refund.amount), 0))
        .where(
            Refund.purchase_id == Purchase.id,
            col(Refund.is_in_force),
            col(Refund.keep_access).is_(False),
            Refund.kind != ClawbackKind.PRORATION,
        )
        .correlate(Purchase)
        .scalar_subquery()
    )
    statement = (
        select(StripeInvoice, refunded)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(
            Purchase.reader_id == reader_id,
            col(StripeInvoice.id).in_(select(StripeProration.credited_invoice_id)),
            col(StripeInvoice.grants_from) < StripeInvoice.period_ends_at,
        )
    )
    invoices = (await session.exec(statement)).all()
    subscription_ids = {invoice.subscription_id for invoice, _ in invoices}
    credited = credited_from(await prorations_of(session, subscription_ids))
    return {
        invoice.purchase_id: CreditedPeriod(
            invoice.grants_from, invoice.period_ends_at, credited[invoice.id], int(back)
        )
        for invoice, back in invoices
        if invoice.grants_from is not None and invoice.id in credited
    }


async def _refunded_grants(
    session: AsyncSession, reader_id: str, credited_ids: Collection[int]
) -> dict[int, Purchase]:
    """The grants of purchases with clawbacks, now or earlier, with their purchases."""
    taken = select(Clawback.grant_id).where(Clawback.reader_id == reader_id)
    statement = (
        select(CreditGrant.id, Purchase)
        .join(Purchase, col(Purchase.id) == CreditGrant.purchase_id)
        .where(
            CreditGrant.reader_id == reader_id,
            or_(
                Purchase.taken_back > 0,
                col(CreditGrant.id).in_(taken),
                col(Purchase.id).in_(credited_ids),
            ),
        )
    )
    return dict((await session.exec(statement)).all())


async def _clawbacks(session: AsyncSession, reader_id: str) -> Sequence[Clawback]:
    statement = select(Clawback).where(Clawback.reader_id == reader_id).order_by(col(Clawback.id))
    return (await session.exec(statement)).all()


async def _unlocks(
    session: AsyncSession, grant_ids: Collection[int], revoked: Collection[int | None]
) -> dict[int, Unlock]:
    """Unlocks in force that these grants paid for, and those that clawbacks revoked."""
    paid = select(UnlockPayment.unlock_id).where(col(UnlockPayment.grant_id).in_(grant_ids))
    statement = select(Unlock).where(
        or_(
            col(Unlock.revoked_at).is_(None) & col(Unlock.id).in_(paid),
            col(Unlock.id).in_([unlock_id for unlock_id in revoked if unlock_id is not None]),
        )
    )
    return {unlock.id: unlock for unlock in await session.exec(statement)}


async def _shares(session: AsyncSession, unlock_ids: Collection[int]) -> dict[int, dict[int, int]]:
    statement = select(UnlockPayment).where(col(UnlockPayment.unlock_id).in_(unlock_ids))
    shares: dict[int, dict[int, int]] = defaultdict(dict)
    for payment in await session.exec(statement):
        shares[payment.unlock_id][payment.grant_id] = payment.amount
    return shares


async def _grants(session: AsyncSession, grant_ids: Collection[int]) -> dict[int, CreditGrant]:
    """Oldest payment first: ids follow only the order in which payments were recorded."""
    statement = (
        select(CreditGrant)
        .where(col(CreditGrant.id).in_(grant_ids))
        .order_by(col(CreditGrant.granted_at), col(CreditGrant.id))
    )
    return {grant.id: grant for grant in await session.exec(statement)}


async def _unspent(
    session: AsyncSession, grants: Mapping[int, CreditGrant], clawbacks: Sequence[Clawback]
) -> dict[int, int]:
    """The credits of each grant that were neither spent nor taken, including expired ones."""
    unspent = {grant_id: grant.amount for grant_id, grant in grants.items()}
    statement = (
        select(UnlockPayment.grant_id, UnlockPayment.amount)
        .join(Unlock, col(Unlock.id) == UnlockPayment.unlock_id)
        .where(
            col(UnlockPayment.grant_id).in_(grants.keys()),
            # Credits not returned by a revocation count as spent.
            col(Unlock.credits_returned).is_not(True),
        )
    )
    for grant_id, amount in await session.exec(statement):
        unspent[grant_id] -= amount
    for clawback in clawbacks:
        unspent[clawback.grant_id] -= clawback.credits
    return unspent


async def _unlocked_elsewhere(
    session: AsyncSession, reader_id: str, unlocks: Mapping[int, Unlock]
) -> frozenset[str]:
    statement = select(Unlock.article_id).where(
        Unlock.reader_id == reader_id,
        col(Unlock.revoked_at).is_(None),
        col(Unlock.id).not_in(unlocks.keys()),
        col(Unlock.article_id).in_([unlock.article_id for unlock in unlocks.values()]),
    )
    return frozenset((await session.exec(statement)).all())


async def _write_changes(
    session: AsyncSession, loaded: _Loaded, before: CreditState, actor: Actor, now: datetime
) -> None:
    """Write the difference: first what returns to each grant, then what is taken."""
    changed = [u for u in loaded.credit_state.unlocks.values() if u != before.unlocks[u.unlock_id]]
    revived = [unlock for unlock in changed if unlock.is_in_force]
    revoked = [unlock for unlock in changed if not unlock.is_in_force]
    required = _by_grant(revived)
    returned = _by_grant(revoked)
    for grant_id, grant_state in loaded.credit_state.grants_by_id.items():
        grant = loaded.grants[grant_id]
        released = before.grants_by_id[grant_id].taken - grant_state.taken
        there = grant.remaining + released + returned[grant_id]
        # An unlock can be revived with credits that expired unspent: restore them first.
        back = max(released, 0) + max(required[grant_id] - there, 0)
        if back:
            add_entry(session, grant, EntryKind.RESTORED, back, actor=actor, at=now)
    for unlock in [*revoked, *revived]:
        _write_unlock_change(session, loaded, unlock, actor, now)
    for grant_id, grant_state in loaded.credit_state.grants_by_id.items():
        grant = loaded.grants[grant_id]
        taken = grant_state.taken - before.grants_by_id[grant_id].taken
        if taken > 0:
            add_entry(session, grant, EntryKind.VOIDED, -taken, actor=actor, at=now)
        if grant_state.is_unspendable:
            write_off(session, grant, actor=actor, at=now)


def _by_grant(unlocks: Sequence[PaidUnlock]) -> dict[int, int]:
    credits_: dict[int, int] = defaultdict(int)
    for unlock in unlocks:
        for grant_id, share in unlock.shares.items():
            credits_[grant_id] += share
    return credits_


def _write_unlock_change(
    session: AsyncSession, loaded: _Loaded, unlock: PaidUnlock, actor: Actor, now: datetime
) -> None:
    """Revoke an unlock and restore its credits, or revive it and spend them."""
    row = loaded.unlocks[unlock.unlock_id]
    row.revoked_at = None if unlock.is_in_force else now
    row.credits_returned = None if unlock.is_in_force else True
    session.add(row)
    kind, sign = (EntryKind.SPENT, -1) if unlock.is_in_force else (EntryKind.RESTORED, 1)
    for grant_id, share in unlock.shares.items():
        add_entry(
            session,
            loaded.grants[grant_id],
            kind,
            sign * share,
            actor=actor,
            at=now,
            unlock_id=unlock.unlock_id,
        )


async def _replace_steps(
    session: AsyncSession, reader_id: str, steps: Sequence[ClawbackStep]
) -> None:
    await session.exec(delete(Clawback).where(col(Clawback.reader_id) == reader_id))
    for step in steps:
        session.add(Clawback(reader_id=reader_id, **step._asdict()))
    await session.flush()
