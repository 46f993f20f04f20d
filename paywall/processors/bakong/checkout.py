"""Opening a checkout by Bakong: a code for one payment, which needs no call of the bank's API."""

import asyncio
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from litestar import Response
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.products import Product, find_product
from paywall.catalogue.sold_terms import terms_of
from paywall.credits.locking import lock_or_create_subscriber
from paywall.database.tables import KhqrCode
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.payments.checkout_models import CheckoutPage
from paywall.payments.checkouts import CheckoutRequest
from paywall.payments.khqr_codes import khqr_page
from paywall.problems import NOT_ON_SALE, Problem, Unconfirmed
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.khqr import CodeTerms, Merchant, build_code, md5_of
from paywall.processors.bakong.state import PAUSE_MIN
from paywall.rules.khqr_prices import why_not_charged
from paywall.settings import Settings

# With its 96 random bits nobody guesses the MD5 of a code, which is the address of its picture.
BILL_NUMBER_BYTES = 12
DEEP_LINK_SECONDS = 2.0


class CodePrice(NamedTuple):
    """An amount in the smallest unit of ISO 4217."""

    amount: int
    currency: str


async def start_khqr_checkout(
    context: BakongContext, reader_id: str, request: CheckoutRequest, claim: IdempotencyClaim | None
) -> Response[CheckoutPage]:
    """Open the reader's code for this request: 201, or 200 for one that is open already."""
    database = context.database
    async with database.writing() as session:
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        await lock_or_create_subscriber(session, reader_id, now)
        code, is_new = await _open_code(
            session, reader_id, request, context.settings, database.clock.now()
        )
    if code.deep_link is None:
        code.deep_link = await _find_deep_link(context.client, code.text)
    async with database.writing() as session:
        kept = update(KhqrCode).where(col(KhqrCode.id) == code.id)
        await session.exec(kept.values(deep_link=code.deep_link))
        return await store_response(session, claim, 201 if is_new else 200, khqr_page(code))


async def _open_code(
    session: AsyncSession,
    reader_id: str,
    request: CheckoutRequest,
    settings: Settings,
    now: datetime,
) -> tuple[KhqrCode, bool]:
    """The reader's open code for this product, price and page, and whether it is a new one.

    The caller holds the reader's lock. Raises Problem: PRODUCT_UNKNOWN, NOT_ON_SALE.
    """
    product = await find_product(session, request.product_kind, request.product_id)
    price = _price_of(product, request.currency)
    terms = terms_of(product)
    open_ones = (
        select(KhqrCode)
        .where(
            KhqrCode.reader_id == reader_id,
            KhqrCode.product_kind == request.product_kind,
            KhqrCode.product_id == request.product_id,
            KhqrCode.amount == price.amount,
            KhqrCode.currency == price.currency,
            KhqrCode.return_url == request.return_url,
            KhqrCode.account == settings.bakong_account,
            KhqrCode.expires_at > now,
            col(KhqrCode.purchase_id).is_(None),
        )
        .order_by(col(KhqrCode.created_at).desc(), col(KhqrCode.id))
    )
    for code in await session.exec(open_ones):
        if code.terms == terms and (code.consent_at is not None or not request.consents):
            return code, False
    code = _new_code(reader_id, request, price, terms, settings, now)
    session.add(code)
    await session.flush()
    return code, True


def _price_of(product: Product, currency: str | None) -> CodePrice:
    """The product's price in this currency, by default the first that Bakong takes.

    Raises Problem(NOT_ON_SALE).
    """
    prices = [CodePrice(price["amount"], price["currency"]) for price in product.prices]
    wanted = [price for price in prices if currency in (None, price.currency)]
    refusals = {price: why_not_charged(price.amount, price.currency) for price in wanted}
    for price, refusal in refusals.items():
        if refusal is None:
            return price
    why = next(iter(refusals.values()), None)
    raise Problem(NOT_ON_SALE, f"{why}." if why else "The product has no price in this currency.")


def _new_code(
    reader_id: str,
    request: CheckoutRequest,
    price: CodePrice,
    terms: dict[str, Any],
    settings: Settings,
    now: datetime,
) -> KhqrCode:
    bill_number = secrets.token_hex(BILL_NUMBER_BYTES)
    expires_at = now + timedelta(minutes=settings.bakong_code_minutes)
    code_terms = CodeTerms(price.amount, price.currency, bill_number, now, expires_at)
    text = build_code(_merchant(settings), code_terms)
    return KhqrCode(
        id=f"khqr_{secrets.token_hex(12)}",
        reader_id=reader_id,
        product_kind=request.product_kind,
        product_id=request.product_id,
        terms=terms,
        amount=price.amount,
        currency=price.currency,
        account=settings.bakong_account,
        bill_number=bill_number,
        text=text,
        md5=md5_of(text),
        return_url=request.return_url,
        consent_at=now if request.consents else None,
        created_at=now,
        expires_at=expires_at,
        next_ask_at=now + PAUSE_MIN,
    )


def _merchant(settings: Settings) -> Merchant:
    return Merchant(
        account=settings.bakong_account,
        name=settings.bakong_merchant_name,
        city=settings.bakong_merchant_city,
        merchant_id=settings.bakong_merchant_id or None,
        acquiring_bank=settings.bakong_acquiring_bank or None,
    )


async def _find_deep_link(client: BakongClient, text: str) -> str | None:
    """The address that opens the payment in a bank's app; without it the code can be scanned."""
    with suppress(Unconfirmed, TimeoutError):
        async with asyncio.timeout(DEEP_LINK_SECONDS):
            return await client.deep_link(text)
    return None
