"""Checkouts: a reader on the way to pay on Stripe's page."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.find import find_pack, find_pass, find_plan
from paywall.database.tables import Checkout, StripeSubscription, Subscription
from paywall.idempotency import RETENTION, IdempotencyClaim
from paywall.payments.purchase import Product
from paywall.problems import ALREADY_SUBSCRIBED, CHECKOUT_UNKNOWN, NOT_ON_SALE, Problem
from paywall.processors.stripe.prices import current_price
from paywall.rules.enums import STRIPE_ENDED, CheckoutStatus, ProductKind, StripeStatus

PENDING_MAX = 20
GOES_ON = frozenset(StripeStatus) - STRIPE_ENDED - {StripeStatus.INCOMPLETE}


class CheckoutRequest(NamedTuple):
    """What a reader wants to buy; `currency` is None for the first of the product's prices."""

    product_kind: ProductKind
    product_id: str
    currency: str | None
    return_url: str
    consents: bool


class Opened(NamedTuple):
    """A checkout that was not over; `is_as_wished` unless it is for another wish."""

    checkout: Checkout
    is_as_wished: bool


async def open_checkout(
    session: AsyncSession,
    reader_id: str,
    wish: CheckoutRequest,
    claim: IdempotencyClaim | None,
    now: datetime,
) -> Opened:
    """The reader's checkout for this wish: a new one, or the one that is open for it already.

    For a plan it may be another open one, which has to be expired first; what the same request
    began may be paid by now. The caller holds the reader's lock. Raises Problem: PRODUCT_UNKNOWN,
    NOT_ON_SALE, ALREADY_SUBSCRIBED.
    """
    id_ = _id_of(claim)
    while (begun := await session.get(Checkout, id_)) is not None:
        if _goes_on(begun, reader_id, now):
            return Opened(begun, is_as_wished=True)
        id_ = _hashed(id_)
    if wish.product_kind is ProductKind.PLAN:
        await refuse_second_plan(session, reader_id)
    product = await _find(session, wish)
    currency = wish.currency or product.prices[0]["currency"]
    price = await current_price(session, wish.product_kind, wish.product_id, currency)
    if price is None:
        raise Problem(NOT_ON_SALE)
    if wish.product_kind is ProductKind.PLAN:
        open_one = await open_plan_of(session, reader_id)
        if open_one is not None:
            return Opened(open_one, _serves(open_one, wish, price.id))
    checkout = Checkout(
        id=id_,
        reader_id=reader_id,
        product_kind=wish.product_kind,
        product_id=wish.product_id,
        price_id=price.id,
        return_url=wish.return_url,
        consent_at=now if wish.consents else None,
        status=CheckoutStatus.OPEN,
        created_at=now,
    )
    session.add(checkout)
    await session.flush()
    return Opened(checkout, is_as_wished=True)


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


def _serves(checkout: Checkout, wish: CheckoutRequest, price_id: str) -> bool:
    """Whether this open checkout sells what is wished for, at this price and on these terms."""
    has_consent = checkout.consent_at is not None or not wish.consents
    is_for_it = (checkout.price_id, checkout.return_url) == (price_id, wish.return_url)
    return is_for_it and has_consent


async def _find(session: AsyncSession, wish: CheckoutRequest) -> Product:
    match wish.product_kind:
        case ProductKind.PACK:
            return await find_pack(session, wish.product_id)
        case ProductKind.PASS:
            return await find_pass(session, wish.product_id)
        case ProductKind.PLAN:
            return await find_plan(session, wish.product_id)


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


async def open_plan_of(session: AsyncSession, reader_id: str) -> Checkout | None:
    """A reader has one open plan checkout at most."""
    statement = select(Checkout).where(
        Checkout.reader_id == reader_id,
        Checkout.product_kind == ProductKind.PLAN,
        Checkout.status == CheckoutStatus.OPEN,
    )
    return (await session.exec(statement)).first()


async def pending_of(session: AsyncSession, reader_id: str) -> Sequence[Checkout]:
    """The reader's payments that are on their way, the last one first."""
    statement = (
        select(Checkout)
        .where(Checkout.reader_id == reader_id, Checkout.status == CheckoutStatus.PROCESSING)
        .order_by(col(Checkout.created_at).desc(), col(Checkout.id).desc())
        .limit(PENDING_MAX)
    )
    return (await session.exec(statement)).all()


async def find_checkout(session: AsyncSession, reader_id: str, checkout_id: str) -> Checkout:
    """Raises Problem(CHECKOUT_UNKNOWN)."""
    checkout = await session.get(Checkout, checkout_id)
    if checkout is None or checkout.reader_id != reader_id:
        raise Problem(CHECKOUT_UNKNOWN)
    return checkout
