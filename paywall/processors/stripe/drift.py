"""Where what is recorded is not what Stripe's list of subscriptions says."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import (
    Checkout,
    StripeCustomer,
    StripeInvoice,
    StripeSubscription,
    Subscription,
)
from paywall.processors.stripe.customers import link_customer
from paywall.processors.stripe.objects import StripeSubscriptionSnapshot
from paywall.processors.stripe.prices import find_price
from paywall.rules.enums import STRIPE_ENDED, CheckoutStatus, SubscriptionKind

CHECKOUTS_MAX = 200


class Compared(NamedTuple):
    """A subscription of a reader of ours, and whether it stands here as in Stripe's list.

    `is_whole`: none of its paid invoices can be missing here.
    """

    id: str
    customer_id: str
    known_invoices: frozenset[str]
    agrees: bool
    is_whole: bool


async def compare(
    session: AsyncSession, page: Sequence[StripeSubscriptionSnapshot]
) -> list[Compared]:
    """Those of our readers, whether they are here or not."""
    ids = [seen.id for seen in page]
    billings = await _billings(session, ids)
    invoices = await _invoices(session, ids)
    found = []
    for seen in page:
        if await _is_ours(session, seen):
            known = invoices.get(seen.id, frozenset())
            agrees = _agrees(seen, billings.get(seen.id))
            # What was over is never paid for again; else the newest invoice may be missing.
            is_whole = seen.status in STRIPE_ENDED or seen.latest_invoice_id in known
            found.append(Compared(seen.id, seen.customer_id, known, agrees, is_whole))
    return found


def _agrees(seen: StripeSubscriptionSnapshot, billing: StripeSubscription | None) -> bool:
    if billing is None:
        return False
    next_payment_at = seen.period_ends_at if seen.will_renew else None
    told = (seen.status, seen.price_id, seen.will_renew, seen.trial_ends_at, next_payment_at)
    here = (
        billing.status,
        billing.price_id,
        billing.will_renew,
        billing.trial_ends_at,
        billing.next_payment_at,
    )
    return told == here


async def _is_ours(session: AsyncSession, seen: StripeSubscriptionSnapshot) -> bool:
    """By the subscription itself, or by its customer and its price."""
    if await session.get(Subscription, seen.id) is not None:
        return True
    customer = await session.get(StripeCustomer, seen.customer_id)
    return customer is not None and await find_price(session, seen.price_id) is not None


async def _billings(session: AsyncSession, ids: Collection[str]) -> dict[str, StripeSubscription]:
    statement = select(StripeSubscription).where(col(StripeSubscription.id).in_(ids))
    return {billing.id: billing for billing in await session.exec(statement)}


async def _invoices(session: AsyncSession, ids: Collection[str]) -> dict[str, frozenset[str]]:
    statement = select(StripeInvoice).where(col(StripeInvoice.subscription_id).in_(ids))
    known: dict[str, frozenset[str]] = {}
    for invoice in await session.exec(statement):
        known[invoice.subscription_id] = known.get(invoice.subscription_id, frozenset()) | {
            invoice.id
        }
    return known


async def link_imported(
    session: AsyncSession, page: Sequence[StripeSubscriptionSnapshot], now: datetime
) -> None:
    """A subscription that was imported tells whose its customer is."""
    customers = {seen.id: seen.customer_id for seen in page}
    statement = select(Subscription.id, Subscription.reader_id).where(
        col(Subscription.id).in_(customers),
        Subscription.kind == SubscriptionKind.STRIPE,
        col(Subscription.id).not_in(select(StripeSubscription.id)),
    )
    for subscription_id, reader_id in (await session.exec(statement)).all():
        await link_customer(session, customers[subscription_id], reader_id, now)


async def checkouts_to_fetch(session: AsyncSession, *, anew: bool) -> Sequence[Checkout]:
    """The oldest checkouts of which the end is not known; `anew`: every one that had a page."""
    statement = select(Checkout).where(col(Checkout.session_id).is_not(None))
    if not anew:
        unsettled = (CheckoutStatus.OPEN, CheckoutStatus.PROCESSING)
        statement = statement.where(col(Checkout.status).in_(unsettled)).limit(CHECKOUTS_MAX)
    ordered = statement.order_by(col(Checkout.created_at), col(Checkout.id))
    return (await session.exec(ordered)).all()
