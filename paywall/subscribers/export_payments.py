"""What a reader paid, was on the way to pay, and has from it, as an export tells it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import Price
from paywall.database.tables import (
    Checkout,
    Purchase,
    Refund,
    StripeInvoice,
    StripePrice,
    StripeSubscription,
    Subscription,
)
from paywall.rules.enums import CheckoutStatus, TakingKind
from paywall.rules.money import format_money_with_code
from paywall.subscribers.export_models import (
    ABOUT,
    CheckoutsSection,
    ExportedBilling,
    ExportedCheckout,
    ExportedInvoice,
    ExportedPurchase,
    ExportedRefund,
    ExportedSubscription,
    PurchasesSection,
    SubscriptionsSection,
)
from paywall.subscriptions.responses import stripe_billing_of

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


async def subscriptions_section(session: AsyncSession, reader_id: str) -> SubscriptionsSection:
    rows = await rows_of(session, Subscription, reader_id, "created_at", "id")
    billed = await stripe_billing_of(session, rows)
    invoices = await _invoices(session, reader_id)
    return SubscriptionsSection(
        about=ABOUT["subscriptions"],
        subscriptions=[
            ExportedSubscription(
                id=row.id,
                kind=row.kind,
                plan_id=row.plan_id,
                pass_id=row.pass_id,
                purchase_id=row.purchase_id,
                starts_at=row.starts_at,
                paid_through=row.paid_through,
                ended_at=row.ended_at,
                access_until=row.access_until,
                cancel_at_period_end=row.cancel_at_period_end,
                billing=_billing(*billed[row.id], invoices[row.id]) if row.id in billed else None,
            )
            for row in rows
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
        invoices[row.subscription_id].append(
            ExportedInvoice(
                id=row.id, purchase_id=row.purchase_id, period_ends_at=row.period_ends_at
            )
        )
    return invoices


def _billing(
    billing: StripeSubscription, price: StripePrice | None, invoices: list[ExportedInvoice]
) -> ExportedBilling:
    cost = format_money_with_code(price.amount, price.currency) if price else None
    return ExportedBilling(
        customer_id=billing.customer_id,
        status=billing.status,
        trial_ends_at=billing.trial_ends_at,
        next_payment=billing.next_payment_at,
        payment_type=billing.payment_type,
        what=f"Costs {cost} a period, discounts aside." if cost else None,
        price=_price(price),
        invoices=invoices,
    )


def _price(price: StripePrice | None) -> Price | None:
    return Price(amount=price.amount, currency=price.currency) if price else None


async def purchases_section(session: AsyncSession, reader_id: str) -> PurchasesSection:
    rows = await rows_of(session, Purchase, reader_id, "created_at", "id")
    refunds = await _refunds(session, reader_id)
    return PurchasesSection(
        about=ABOUT["purchases"],
        purchases=[
            ExportedPurchase(
                id=row.id,
                created_at=row.created_at,
                what=f"Paid {format_money_with_code(row.amount_paid, row.currency)}"
                f" for the {row.product_kind} {row.product_id}.",
                processor=row.processor,
                reference=row.reference,
                product_kind=row.product_kind,
                product_id=row.product_id,
                amount_paid=row.amount_paid,
                currency=row.currency,
                refunded=row.refunded,
                refunds=refunds[row.id],
            )
            for row in rows
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
            ExportedRefund(
                created_at=row.created_at,
                what=_refund_in_words(row, format_money_with_code(row.amount, currency)),
                kind=row.kind,
                reference=row.reference,
                amount=row.amount,
                is_in_force=row.is_in_force,
                is_pending=row.is_pending,
                keep_access=row.keep_access,
            )
        )
    return refunds


def _refund_in_words(refund: Refund, money: str) -> str:
    """One that is pending is not in force yet."""
    match refund.kind:
        case TakingKind.REFUND if refund.is_pending:
            return f"{money} are on the way back to you."
        case TakingKind.REFUND if refund.is_in_force:
            return f"Paid {money} back."
        case TakingKind.REFUND:
            return f"Paying {money} back failed."
        case TakingKind.DISPUTE if refund.is_pending:
            return f"Your bank asks about {money}."
        case TakingKind.DISPUTE if refund.is_in_force:
            return f"Your bank took {money} back."
        case TakingKind.DISPUTE:
            return f"Your bank asked about {money}, which stay paid."


async def checkouts_section(session: AsyncSession, reader_id: str) -> CheckoutsSection:
    rows = await rows_of(session, Checkout, reader_id, "created_at", "id")
    asked = select(Checkout.price_id).where(Checkout.reader_id == reader_id)
    statement = select(StripePrice).where(col(StripePrice.id).in_(asked))
    prices = {price.id: price for price in await session.exec(statement)}
    return CheckoutsSection(
        about=ABOUT["checkouts"],
        checkouts=[_checkout(row, prices.get(row.price_id)) for row in rows],
    )


def _checkout(row: Checkout, price: StripePrice | None) -> ExportedCheckout:
    return ExportedCheckout(
        id=row.id,
        created_at=row.created_at,
        what=_checkout_in_words(row, price),
        status=row.status,
        product_kind=row.product_kind,
        product_id=row.product_id,
        price=_price(price),
        consent_at=row.consent_at,
        return_url=row.return_url,
        url=row.url,
        session_id=row.session_id,
        customer_id=row.customer_id,
        subscription_id=row.subscription_id,
        purchase_id=row.purchase_id,
    )


def _checkout_in_words(checkout: Checkout, price: StripePrice | None) -> str:
    product = f"the {checkout.product_kind} {checkout.product_id}"
    if price is not None:
        product = f"{product} at {format_money_with_code(price.amount, price.currency)}"
    match checkout.status:
        case CheckoutStatus.OPEN:
            return f"You went to pay for {product}, and have not paid yet."
        case CheckoutStatus.PROCESSING:
            return f"You paid for {product}, and the bank still has to confirm it."
        case CheckoutStatus.PAID:
            return f"You bought {product}, discounts aside."
        case CheckoutStatus.EXPIRED:
            return f"No payment came for {product}: the page to pay on is closed."
