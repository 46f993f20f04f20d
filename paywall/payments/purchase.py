"""Recording a payment and fulfilling it, once for each processor and reference."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zlib import crc32

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import Product, find_product
from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, grant_many
from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.dialect import insert
from paywall.database.tables import Pack, Pass, Plan, Purchase
from paywall.database.tables.actor import actor_values
from paywall.database.tables.totals import Added, add_to_totals
from paywall.problems import REFERENCE_CONFLICT, Problem, differing_fields
from paywall.rules.enums import (
    Actor,
    GrantSource,
    Interval,
    ProductKind,
    SubscriptionKind,
)
from paywall.subscriptions.prepaid import PrepaidTerms, add_prepaid, recompute_prepaid

STRIPE = "stripe"


class Payment(NamedTuple):
    """A payment for one product; `amount_paid` in the currency's smallest unit."""

    reader_id: str
    processor: str
    reference: str
    product_kind: ProductKind
    product_id: str
    amount_paid: int
    currency: str


async def record_purchase(
    session: AsyncSession, payment: Payment, *, timezone: str, actor: Actor, clock: Clock
) -> tuple[Purchase, bool]:
    """Record a payment and fulfill it; returns whether this call recorded it.

    Months that it pays for are counted in `timezone`.

    Raises Problem(PRODUCT_UNKNOWN), or Problem(REFERENCE_CONFLICT) if an earlier purchase of the
    same reference has other fields.
    """
    await lock_or_create_subscriber(session, payment.reader_id, clock.now())
    purchase = await insert_purchase(session, payment, actor, clock.now())
    if purchase is None:
        return await _existing_purchase(session, payment), False
    product = await find_product(session, payment.product_kind, payment.product_id)
    await fulfill(session, purchase, product, timezone=timezone, actor=actor, clock=clock)
    await recompute_prepaid(session, payment.reader_id)
    return purchase, True


async def fulfill(
    session: AsyncSession,
    purchase: Purchase,
    product: Product,
    *,
    timezone: str,
    actor: Actor,
    clock: Clock,
    sequence_id: str | None = None,
) -> None:
    """Give what this product promises; for a plan, one prepaid period.

    The caller then recomputes the reader's prepaid time.
    `sequence_id`: the sequence of prepaid time of the Stripe customer who paid.
    """
    match product:
        case Pack():
            await _fulfill_pack(session, purchase, product, actor, clock)
        case Pass():
            terms = PrepaidTerms(SubscriptionKind.PASS, Interval.DAY, product.days, timezone)
            await add_prepaid(session, purchase, terms, sequence_id)
        case Plan():
            terms = PrepaidTerms(
                SubscriptionKind.PREPAID, product.interval, product.interval_count, timezone
            )
            await add_prepaid(session, purchase, terms, sequence_id)
            await _grant_period_credits(session, purchase, product, actor, clock)


async def insert_purchase(
    session: AsyncSession, payment: Payment, actor: Actor, now: datetime
) -> Purchase | None:
    """Insert a purchase; None if one with the same processor and reference exists."""
    statement = (
        insert(session, Purchase)
        .values(
            **payment._asdict(),
            refunded=0,
            taken_back=0,
            created_at=now,
            **actor_values(actor),
        )
        .on_conflict_do_nothing(index_elements=[col(Purchase.processor), col(Purchase.reference)])
        .returning(Purchase)
    )
    purchase = (await session.exec(statement)).scalars().first()
    if purchase is not None:
        connection = await session.connection()
        await connection.run_sync(add_to_totals, [(payment.reader_id, Added(purchases=1))])
    return purchase


def grant_time(purchase: Purchase) -> datetime:
    """The payment's time, by which older grants are spent first.

    Stripe timestamps have one-second resolution. Within a second, a hash of the reference decides,
    so that the order does not depend on which payment was recorded first.
    """
    if purchase.processor != STRIPE:
        return purchase.created_at
    within = crc32(purchase.reference.encode()) % 1_000_000
    return purchase.created_at + timedelta(microseconds=within)


async def _existing_purchase(session: AsyncSession, payment: Payment) -> Purchase:
    statement = select(Purchase).where(
        Purchase.processor == payment.processor, Purchase.reference == payment.reference
    )
    purchase = (await session.exec(statement)).one()
    if differing := differing_fields(payment._asdict(), purchase):
        raise Problem(
            REFERENCE_CONFLICT,
            f"Reference {payment.reference!r} of {payment.processor} was already recorded with a"
            f" different {', '.join(differing)}: send the same fields, or the right reference.",
            fields=differing,
        )
    return purchase


async def _fulfill_pack(
    session: AsyncSession, purchase: Purchase, pack: Pack, actor: Actor, clock: Clock
) -> None:
    days = pack.expires_after_days
    expires_at = None if days is None else purchase.created_at + timedelta(days=days)
    await grant_credits(
        session, purchase, GrantSource.PURCHASE, pack.credits, expires_at, actor, clock
    )


async def _grant_period_credits(
    session: AsyncSession, purchase: Purchase, plan: Plan, actor: Actor, clock: Clock
) -> None:
    """Grant the credits of a prepaid period; they do not lapse, as the period can be paused."""
    if plan.credits > 0:
        source = GrantSource.SUBSCRIPTION
        await grant_credits(session, purchase, source, plan.credits, None, actor, clock)


async def grant_credits(
    session: AsyncSession,
    purchase: Purchase,
    source: GrantSource,
    amount: int,
    expires_at: datetime | None,
    actor: Actor,
    clock: Clock,
    reference: str | None = None,
) -> None:
    """Grant what a purchase pays for; a purchase with several grants has a reference for each."""
    terms = GrantTerms(
        purchase.reader_id,
        amount,
        source,
        reference=reference or f"purchase_{purchase.id}",
        expires_at=expires_at,
        purchase_id=purchase.id,
    )
    await grant_many(session, [terms], actor=actor, clock=clock, paid_at=grant_time(purchase))
