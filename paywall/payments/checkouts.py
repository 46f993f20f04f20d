"""Checkouts: readers on the way to pay on a processor's page."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Checkout, Purchase, StripeInvoice
from paywall.problems import CHECKOUT_UNKNOWN, Problem
from paywall.rules.enums import CheckoutStatus, ProductKind
from paywall.subscriptions.trials import first_trial_of

PENDING_MAX = 20
# A checkout in one of these states may still be paid.
UNSETTLED = (CheckoutStatus.OPEN, CheckoutStatus.PROCESSING)


class CheckoutRequest(NamedTuple):
    """What a reader wants to buy; `currency` is None for the first of the product's prices."""

    product_kind: ProductKind
    product_id: str
    currency: str | None
    return_url: str
    consents: bool


async def find_checkout(session: AsyncSession, reader_id: str, checkout_id: str) -> Checkout:
    """Raises Problem(CHECKOUT_UNKNOWN)."""
    checkout = await session.get(Checkout, checkout_id)
    if checkout is None or checkout.reader_id != reader_id:
        raise Problem(CHECKOUT_UNKNOWN)
    return checkout


async def open_plan_of(session: AsyncSession, reader_id: str) -> Checkout | None:
    """A reader has one open plan checkout at most."""
    statement = select(Checkout).where(
        Checkout.reader_id == reader_id,
        Checkout.product_kind == ProductKind.PLAN,
        Checkout.status == CheckoutStatus.OPEN,
    )
    return (await session.exec(statement)).first()


async def outdated_plan_of(session: AsyncSession, reader_id: str) -> Checkout | None:
    """The reader's open plan checkout, if a trial of theirs began after it was opened.

    Its page may give a second trial: it has to be closed.
    """
    checkout = await open_plan_of(session, reader_id)
    if checkout is None:
        return None
    began = await first_trial_of(session, reader_id)
    return checkout if began is not None and checkout.created_at < began else None


async def plans_to_close_before_merge(
    session: AsyncSession, from_id: str, into_id: str
) -> list[Checkout]:
    """The open plan checkouts that must be closed before these two readers become one.

    Of two the moved one; and one whose page may give a trial while the other reader had one.
    """
    moved, kept = await open_plan_of(session, from_id), await open_plan_of(session, into_id)
    moved_trial = await first_trial_of(session, from_id)
    kept_trial = await first_trial_of(session, into_id)
    closing = []
    if moved is not None and (kept is not None or (kept_trial and not moved_trial)):
        closing.append(moved)
    if kept is not None and moved_trial and not kept_trial:
        closing.append(kept)
    return closing


async def pending_of(session: AsyncSession, reader_id: str) -> Sequence[Checkout]:
    """The reader's payments that are on their way, the last one first."""
    statement = (
        select(Checkout)
        .where(Checkout.reader_id == reader_id, Checkout.status == CheckoutStatus.PROCESSING)
        .order_by(col(Checkout.created_at).desc(), col(Checkout.id).desc())
        .limit(PENDING_MAX)
    )
    return (await session.exec(statement)).all()


async def unsettled_of(session: AsyncSession, reader_ids: Collection[str]) -> Sequence[Checkout]:
    """Checkouts of these readers that may still be paid."""
    statement = select(Checkout).where(
        col(Checkout.reader_id).in_(reader_ids),
        col(Checkout.status).in_(UNSETTLED),
    )
    return (await session.exec(statement)).all()


async def settle_checkouts(session: AsyncSession, subscription_id: str) -> None:
    """A checkout that began a subscription is paid once the first invoice is, in any order."""
    first = (
        select(StripeInvoice.purchase_id)
        .join(Purchase, col(Purchase.id) == StripeInvoice.purchase_id)
        .where(StripeInvoice.subscription_id == subscription_id)
        .order_by(col(Purchase.created_at), col(StripeInvoice.id))
        .limit(1)
    )
    purchase_id = (await session.exec(first)).first()
    begun = select(Checkout).where(Checkout.subscription_id == subscription_id)
    for checkout in (await session.exec(begun)).all():
        if purchase_id is not None:
            checkout.purchase_id = purchase_id
            checkout.status = CheckoutStatus.PAID
            session.add(checkout)
    await session.flush()
