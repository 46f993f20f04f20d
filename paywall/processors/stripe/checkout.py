"""Checkouts: a reader on the way to pay on Stripe's page."""

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import find_product
from paywall.database.tables import Checkout, StripeSubscription, Subscription
from paywall.idempotency import RETENTION, IdempotencyClaim
from paywall.payments.checkouts import CheckoutRequest, open_plan_of
from paywall.problems import ALREADY_SUBSCRIBED, NOT_ON_SALE, Problem
from paywall.processors.stripe.prices import current_price
from paywall.rules.enums import STRIPE_ENDED, CheckoutStatus, ProductKind, StripeStatus

GOES_ON = frozenset(StripeStatus) - STRIPE_ENDED - {StripeStatus.INCOMPLETE}


class Opened(NamedTuple):
    """A checkout that was not over; `serves_request` unless it is for another request."""

    checkout: Checkout
    serves_request: bool


async def open_checkout(
    session: AsyncSession,
    reader_id: str,
    request: CheckoutRequest,
    claim: IdempotencyClaim | None,
    now: datetime,
) -> Opened:
    """The reader's checkout for this request: a new one, or the one that is open for it already.

    For a plan it may be another open one, which has to be expired first; what the same request
    began may be paid by now. The caller holds the reader's lock. Raises Problem: PRODUCT_UNKNOWN,
    NOT_ON_SALE, ALREADY_SUBSCRIBED.
    """
    id_ = _id_of(claim)
    while (begun := await session.get(Checkout, id_)) is not None:
        if _goes_on(begun, reader_id, now):
            return Opened(begun, serves_request=True)
        id_ = _hashed(id_)
    if request.product_kind is ProductKind.PLAN:
        await refuse_second_plan(session, reader_id)
    product = await find_product(session, request.product_kind, request.product_id)
    currency = request.currency or product.prices[0]["currency"]
    price = await current_price(session, request.product_kind, request.product_id, currency)
    if price is None:
        raise Problem(NOT_ON_SALE)
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


def _id_of(claim: IdempotencyClaim | None) -> str:
    """By the caller's key, so that a repeat of a broken request finds what it began."""
    if claim is None:
        return f"checkout_{secrets.token_hex(12)}"
    return _hashed(f"{claim.issuer}\n{claim.subject}\n{claim.route}\n{claim.key}")


def _hashed(named: str) -> str:
    return f"checkout_{hashlib.sha256(named.encode()).hexdigest()[:24]}"


def _goes_on(checkout: Checkout, reader_id: str, now: datetime) -> bool:
    """Whether a request of the same key goes on with it; a key is known for as long as `KEPT_FOR`.

    One that expired leads nowhere, and one of a reader who was merged or erased is not theirs.
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
            col(StripeSubscription.status).in_(GOES_ON),
            ~col(Subscription.cancel_at_period_end),
        )
    )
    if (subscription_id := (await session.exec(billed)).first()) is not None:
        raise Problem(ALREADY_SUBSCRIBED, subscription_id=subscription_id)
