"""What a reader paid, was on the way to pay, and has from it, as an export tells it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import Price
from paywall.database.tables import (
    Checkout,
    ComplimentaryPeriod,
    KhqrCode,
    Purchase,
    Refund,
    StripeInvoice,
    StripePrice,
    StripeSubscription,
    Subscription,
    UnmatchedPayment,
)
from paywall.payments.khqr_codes import status_of
from paywall.payments.responses import to_responses
from paywall.payments.unmatched_models import unmatched_to_response
from paywall.rules.enums import CheckoutStatus, ClawbackKind
from paywall.rules.money import format_money_with_code
from paywall.settings import Settings
from paywall.subscribers.export_models import (
    ABOUT,
    CheckoutsSection,
    ExportedBilling,
    ExportedCheckout,
    ExportedComplimentaryPeriod,
    ExportedInvoice,
    ExportedKhqrCode,
    ExportedPurchase,
    ExportedRefund,
    ExportedSubscription,
    PurchasesSection,
    SubscriptionsSection,
)
from paywall.subscriptions.responses import (
    card_of,
    failed_payment_of,
    load_responses,
    price_of_period,
    stripe_billing_of,
)

Row = TypeVar("Row", bound=SQLModel)


async def rows_of(
    session: AsyncSession, table: type[Row], reader_id: str, *newest_first: str
) -> Sequence[Row]:
    """A reader's rows, ordered by these columns, descending."""
    columns = sa.inspect(table).columns
    statement = (
        select(table)
        .where(columns["reader_id"] == reader_id)
        .order_by(*(columns[name].desc() for name in newest_first))
    )
    return (await session.exec(statement)).all()


async def subscriptions_section(
    session: AsyncSession, reader_id: str, now: datetime
) -> SubscriptionsSection:
    rows = await rows_of(session, Subscription, reader_id, "created_at", "id")
    responses = await load_responses(session, rows, now)
    billed = await stripe_billing_of(session, rows)
    invoices = await _invoices(session, reader_id)
    return SubscriptionsSection(
        about=ABOUT["subscriptions"],
        subscriptions=[
            ExportedSubscription.from_row(
                response,
                purchase_id=row.purchase_id,
                starts_at=row.starts_at,
                paid_through=row.paid_through,
                ended_at=row.ended_at,
                access_until=row.access_until,
                billing=_billing(*billed[row.id], invoices[row.id]) if row.id in billed else None,
            )
            for row, response in zip(rows, responses, strict=True)
        ],
        complimentary_periods=[
            ExportedComplimentaryPeriod.from_row(row)
            for row in await rows_of(session, ComplimentaryPeriod, reader_id, "starts_at", "id")
        ],
    )


async def _invoices(session: AsyncSession, reader_id: str) -> Mapping[str, list[ExportedInvoice]]:
    """By the subscription that they are of."""
    mine = select(Subscription.id).where(Subscription.reader_id == reader_id)
    statement = (
        select(StripeInvoice)
        .where(col(StripeInvoice.subscription_id).in_(mine))
        .order_by(col(StripeInvoice.period_ends_at).desc(), col(StripeInvoice.id).desc())
    )
    invoices: dict[str, list[ExportedInvoice]] = defaultdict(list)
    for row in await session.exec(statement):
        invoices[row.subscription_id].append(ExportedInvoice.from_row(row))
    return invoices


def _billing(
    billing: StripeSubscription, price: StripePrice | None, invoices: list[ExportedInvoice]
) -> ExportedBilling:
    of_period = price_of_period(billing, price) if price else None
    cost = format_money_with_code(of_period.amount, of_period.currency) if of_period else None
    return ExportedBilling.from_row(
        billing,
        next_payment=billing.next_payment_at,
        card=card_of(billing),
        failed_payment=failed_payment_of(billing),
        what=f"Costs {cost} a period, before any discount." if cost else None,
        price=of_period,
        invoices=invoices,
    )


def _price(price: StripePrice | None) -> Price | None:
    return Price(amount=price.amount, currency=price.currency) if price else None


async def purchases_section(
    session: AsyncSession, reader_id: str, settings: Settings
) -> PurchasesSection:
    rows = await rows_of(session, Purchase, reader_id, "created_at", "id")
    responses = await to_responses(session, rows, settings)
    refunds = await _refunds(session, reader_id)
    return PurchasesSection(
        about=ABOUT["purchases"],
        purchases=[
            ExportedPurchase.from_row(
                response,
                what=f"Paid {format_money_with_code(row.amount_paid, row.currency)}"
                f" for the {row.product_kind} {row.product_id}.",
                product_kind=row.product_kind,
                product_id=row.product_id,
                refunds=refunds[row.id],
            )
            for row, response in zip(rows, responses, strict=True)
        ],
    )


async def _refunds(session: AsyncSession, reader_id: str) -> Mapping[int, list[ExportedRefund]]:
    """By the purchase that they are of."""
    statement = (
        select(Refund, Purchase.currency)
        .join(Purchase, col(Purchase.id) == Refund.purchase_id)
        .where(Purchase.reader_id == reader_id)
        .order_by(col(Refund.id).desc())
    )
    refunds: dict[int, list[ExportedRefund]] = defaultdict(list)
    for row, currency in await session.exec(statement):
        refunds[row.purchase_id].append(
            ExportedRefund.from_row(
                row, what=_refund_in_words(row, format_money_with_code(row.amount, currency))
            )
        )
    return refunds


def _refund_in_words(refund: Refund, money: str) -> str:
    """A pending refund is in force already, an inquiry is not yet."""
    match refund.kind:
        case ClawbackKind.REFUND if refund.is_pending:
            return f"A refund of {money} is in progress."
        case ClawbackKind.REFUND if refund.is_in_force:
            return f"{money} was refunded."
        case ClawbackKind.REFUND:
            return f"A refund of {money} failed."
        case ClawbackKind.DISPUTE if refund.is_pending:
            return f"Your bank is asking about {money}."
        case ClawbackKind.DISPUTE if refund.is_in_force:
            return f"Your bank took {money} back."
        case ClawbackKind.DISPUTE:
            return f"Your bank asked about {money}, and the payment stands."
        case ClawbackKind.PRORATION:
            return f"Credited {money} for the rest of a period, after a switch to another plan."


async def checkouts_section(
    session: AsyncSession, reader_id: str, now: datetime
) -> CheckoutsSection:
    rows = await rows_of(session, Checkout, reader_id, "created_at", "id")
    asked = select(Checkout.price_id).where(Checkout.reader_id == reader_id)
    statement = select(StripePrice).where(col(StripePrice.id).in_(asked))
    prices = {price.id: price for price in await session.exec(statement)}
    return CheckoutsSection(
        about=ABOUT["checkouts"],
        checkouts=[
            ExportedCheckout.from_row(row, what=_checkout_in_words(row, price), price=_price(price))
            for row in rows
            for price in [prices.get(row.price_id)]
        ],
        khqr_codes=[
            ExportedKhqrCode.from_row(
                code,
                what=_code_in_words(code, now),
                status=status_of(code, now),
                price=Price(amount=code.amount, currency=code.currency),
            )
            for code in await rows_of(session, KhqrCode, reader_id, "created_at", "id")
        ],
        unmatched_payments=[
            unmatched_to_response(payment)
            for payment in await rows_of(session, UnmatchedPayment, reader_id, "found_at", "id")
        ],
    )


def _code_in_words(code: KhqrCode, now: datetime) -> str:
    money = format_money_with_code(code.amount, code.currency)
    product = f"the {code.product_kind} {code.product_id} at {money}"
    if code.purchase_id is not None:
        return f"You bought {product}."
    if status_of(code, now) is CheckoutStatus.OPEN:
        return f"You opened a KHQR code for {product} and have not paid yet."
    return f"You did not pay for {product}, and the KHQR code has expired."


def _checkout_in_words(checkout: Checkout, price: StripePrice | None) -> str:
    product = f"the {checkout.product_kind} {checkout.product_id}"
    if price is not None:
        product = f"{product} at {format_money_with_code(price.amount, price.currency)}"
    match checkout.status:
        case CheckoutStatus.OPEN:
            return f"You opened the payment page for {product} and have not paid yet."
        case CheckoutStatus.PROCESSING:
            return f"You paid for {product}, and the bank still has to confirm it."
        case CheckoutStatus.PAID:
            return f"You bought {product}, before any discount."
        case CheckoutStatus.EXPIRED:
            return f"You did not pay for {product}, and the payment page has expired."
