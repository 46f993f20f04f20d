"""Choosing or creating the checkout that a request is for."""

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import Product, find_product
from paywall.database.tables import Checkout, StripeSubscription, Subscription
from paywall.idempotency import RETENTION, IdempotencyClaim
from paywall.payments.checkouts import CheckoutRequest, open_plan_of, outdated_plan_of
from paywall.problems import ALREADY_SUBSCRIBED, NOT_ON_SALE, Problem
from paywall.processors.stripe.prices import current_price
from paywall.processors.stripe.units import why_not_charged
from paywall.rules.enums import STRIPE_ENDED, CheckoutStatus, ProductKind, StripeStatus

# While a subscription has one of these, its reader cannot buy another plan.
SUBSCRIBED_STATUSES = frozenset(StripeStatus) - STRIPE_ENDED - {StripeStatus.INCOMPLETE}


class Opened(NamedTuple):
    """A checkout that has not ended; without `serves_request` it is for another request."""

    checkout: Checkout
    serves_request: bool


async def open_checkout(
    session: AsyncSession,
    reader_id: str,
    request: CheckoutRequest,
    claim: IdempotencyClaim | None,
    now: datetime,
) -> Opened:
    """The reader's checkout for this request: a new one, or one that is already open for it.

    For a plan it may be an open checkout of another request, or one with a trial that is no longer
    available, which has to be expired first; one that a repeat of this request finds may be paid by
    now. The caller holds the reader's lock.
    Raises Problem: PRODUCT_UNKNOWN, NOT_ON_SALE, ALREADY_SUBSCRIBED.
    """
    if request.product_kind is ProductKind.PLAN:
        outdated = await outdated_plan_of(session, reader_id)
        if outdated is not None:
            return Opened(outdated, serves_request=False)
    id_, begun = await _begun(session, reader_id, claim, now)
    if begun is not None:
        return Opened(begun, serves_request=True)
    if request.product_kind is ProductKind.PLAN:
        await refuse_second_plan(session, reader_id)
    product = await find_product(session, request.product_kind, request.product_id)
    currency = request.currency or product.prices[0]["currency"]
    price = await current_price(session, request.product_kind, request.product_id, currency)
    if price is None:
        raise Problem(NOT_ON_SALE, _why_not_on_sale(product, currency))
    if request.product_kind is ProductKind.PLAN:
        open_one = await open_plan_of(session, reader_id)
        if open_one is not None:
            return Opened(open_one, _serves(open_one, request, price.id))
    checkout = Checkout(
        id=id_,
        reader_id=reader_id,
        product_kind=request.product_kind,
        product_id=request.product_id,
        price_id=price.id,
        return_url=request.return_url,
        consent_at=now if request.consents else None,
        status=CheckoutStatus.OPEN,
        created_at=now,
    )
    session.add(checkout)
    await session.flush()
    return Opened(checkout, serves_request=True)


def _why_not_on_sale(product: Product, currency: str) -> str:
    """That Stripe cannot charge the catalogue's price; empty where another reason is likely."""
    amounts = [price["amount"] for price in product.prices if price["currency"] == currency]
    why = why_not_charged(amounts[0], currency) if amounts else None
    return f"{why}. Change it in the catalogue, and run `paywall catalogue sync`." if why else ""


async def _begun(
    session: AsyncSession, reader_id: str, claim: IdempotencyClaim | None, now: datetime
) -> tuple[str, Checkout | None]:
    """The id of the checkout that this request is for, and the checkout if it was begun before."""
    id_ = _id_of(claim)
    while (begun := await session.get(Checkout, id_)) is not None:
        if _can_continue(begun, reader_id, now):
            break
        id_ = _hashed(id_)
    return id_, begun


def _id_of(claim: IdempotencyClaim | None) -> str:
    """Derived from the caller's key, so that a repeated request finds its checkout."""
    if claim is None:
        return f"checkout_{secrets.token_hex(12)}"
    return _hashed(f"{claim.issuer}\n{claim.subject}\n{claim.route}\n{claim.key}")


def _hashed(named: str) -> str:
    return f"checkout_{hashlib.sha256(named.encode()).hexdigest()[:24]}"


def _can_continue(checkout: Checkout, reader_id: str, now: datetime) -> bool:
    """Whether a repeated request continues with it; a key is valid for RETENTION.

    An expired checkout cannot be continued, nor one of a reader who was merged or erased.
    """
    is_kept = checkout.created_at > now - RETENTION
    return (
        is_kept
        and checkout.reader_id == reader_id
        and checkout.status is not CheckoutStatus.EXPIRED
    )


def _serves(checkout: Checkout, request: CheckoutRequest, price_id: str) -> bool:
    """Whether this open checkout sells what is requested, at this price and on these terms."""
    has_consent = checkout.consent_at is not None or not request.consents
    is_for_it = (checkout.price_id, checkout.return_url) == (price_id, request.return_url)
    return is_for_it and has_consent


async def refuse_second_plan(session: AsyncSession, reader_id: str) -> None:
    """Raises Problem(ALREADY_SUBSCRIBED) while Stripe bills the reader for a plan."""
    billed = (
        select(Subscription.id)
        .join(StripeSubscription, col(StripeSubscription.id) == Subscription.id)
        .where(
            Subscription.reader_id == reader_id,
            col(StripeSubscription.status).in_(SUBSCRIBED_STATUSES),
            ~col(Subscription.cancel_at_period_end),
        )
    )
    if (subscription_id := (await session.exec(billed)).first()) is not None:
        raise Problem(ALREADY_SUBSCRIBED, subscription_id=subscription_id)
