"""Recording refunds and disputes, and the clawback that follows."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.locking import lock_subscriber
from paywall.database.tables import Purchase, Refund
from paywall.database.tables.actor import actor_values
from paywall.payments.clawback import settle_credits
from paywall.payments.prorations import set_clawed_back, settle_prorations
from paywall.problems import (
    PURCHASE_UNKNOWN,
    REFERENCE_CONFLICT,
    REFUND_TOO_LARGE,
    Problem,
    differing_fields,
)
from paywall.rules.enums import Actor, ClawbackKind
from paywall.rules.refunds import ClawbackSnapshot
from paywall.subscriptions.billed import recompute_access_of_purchase
from paywall.subscriptions.prepaid import recompute_prepaid


class RefundTerms(NamedTuple):
    """A refund; `amount` in the currency's smallest unit."""

    reference: str
    amount: int
    kind: ClawbackKind = ClawbackKind.REFUND
    keep_access: bool = False


async def refund_purchase(
    session: AsyncSession, purchase_id: int, terms: RefundTerms, *, actor: Actor, clock: Clock
) -> tuple[Purchase, bool]:
    """Record a refund once for each reference, and claw back what it paid for.

    Raises Problem: PURCHASE_UNKNOWN, REFERENCE_CONFLICT, or REFUND_TOO_LARGE if the refund is above
    what is left of the price.
    """
    purchase = await _lock_purchase(session, purchase_id)
    refunds = await _refunds_of(session, purchase)
    before = next((refund for refund in refunds if refund.reference == terms.reference), None)
    if before is not None:
        _refuse_conflict(before, terms)
        return purchase, False
    left = purchase.amount_paid - purchase.refunded
    if terms.kind is ClawbackKind.REFUND and terms.amount > left:
        raise Problem(
            REFUND_TOO_LARGE,
            f"{terms.amount} is above the {left} not refunded yet: refund at most {left}.",
        )
    refund = Refund(
        purchase_id=purchase.id,
        **terms._asdict(),
        created_at=clock.now(),
        **actor_values(actor),
    )
    session.add(refund)
    await _recompute_clawback(session, purchase, [*refunds, refund], actor, clock)
    await recompute_prepaid(session, purchase.reader_id)
    return purchase, True


async def record_clawbacks(
    session: AsyncSession,
    purchase_id: int,
    clawbacks: Iterable[ClawbackSnapshot],
    *,
    actor: Actor,
    clock: Clock,
) -> None:
    """Set a purchase's refunds and disputes to the processor's current state.

    The result depends on that state only, so events may repeat or arrive in any order. The caller
    recomputes the reader's prepaid time when it has recorded all that it knows.
    """
    purchase = await _lock_purchase(session, purchase_id)
    refunds = {refund.reference: refund for refund in await _refunds_of(session, purchase)}
    for clawback in clawbacks:
        known = refunds.get(clawback.id)
        refund = refunds[clawback.id] = known or _new_refund(purchase, clawback, actor)
        refund.amount = clawback.amount
        refund.keep_access = clawback.keep_access
        refund.effective_at = clawback.effective_at
        refund.withdrawn_at = _withdrawn_at(known, clawback, clock.now())
        refund.is_in_force = clawback.is_in_force
        refund.is_pending = clawback.is_pending
    session.add_all(refunds.values())
    await _recompute_clawback(session, purchase, list(refunds.values()), actor, clock)


def _withdrawn_at(
    known: Refund | None, clawback: ClawbackSnapshot, now: datetime
) -> datetime | None:
    """When a clawback ceased to be in force; where the processor names no time, the first sight."""
    if clawback.is_in_force:
        return None
    if clawback.withdrawn_at is not None or known is None:
        return clawback.withdrawn_at
    return now if known.is_in_force else known.withdrawn_at


def _new_refund(purchase: Purchase, clawback: ClawbackSnapshot, actor: Actor) -> Refund:
    return Refund(
        purchase_id=purchase.id,
        reference=clawback.id,
        kind=clawback.kind,
        amount=clawback.amount,
        created_at=clawback.created_at,
        **actor_values(actor),
    )


async def _lock_purchase(session: AsyncSession, purchase_id: int) -> Purchase:
    """Lock the purchase's reader, who can change by a merge while this waits."""
    purchase = await session.get(Purchase, purchase_id)
    if purchase is None:
        raise Problem(PURCHASE_UNKNOWN)
    locked: str | None = None
    while locked != purchase.reader_id:
        locked = purchase.reader_id
        await lock_subscriber(session, locked)
        await session.refresh(purchase)
    return purchase


async def _refunds_of(session: AsyncSession, purchase: Purchase) -> list[Refund]:
    statement = select(Refund).where(Refund.purchase_id == purchase.id).order_by(col(Refund.id))
    return list((await session.exec(statement)).all())


def _refuse_conflict(before: Refund, terms: RefundTerms) -> None:
    if differing := differing_fields(terms._asdict(), before):
        raise Problem(
            REFERENCE_CONFLICT,
            f"Reference {terms.reference!r} was already refunded with a different"
            f" {', '.join(differing)}: send the same fields, or choose a new reference.",
            fields=differing,
        )


async def _recompute_clawback(
    session: AsyncSession, purchase: Purchase, refunds: list[Refund], actor: Actor, clock: Clock
) -> None:
    set_clawed_back(purchase, refunds)
    session.add(purchase)
    await session.flush()
    await settle_prorations(session, purchase, actor=actor)
    await recompute_access_of_purchase(session, purchase)
    await settle_credits(session, purchase, actor=actor, now=clock.now())
