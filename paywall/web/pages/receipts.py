"""Receipts of payments, cancellations and withdrawals: a page to print, and a text file to keep."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.offers import Offers, load_offers
from paywall.database.tables import (
    CancellationReceipt,
    Purchase,
    Refund,
    StripeInvoice,
    Subscription,
    Withdrawal,
)
from paywall.payments.responses import PurchaseAnswer, to_response
from paywall.payments.withdrawal_effect import EndedByWithdrawal, load_ended
from paywall.payments.withdrawals import WithdrawalAnswer
from paywall.rules.enums import CancelWhen, ClawbackKind
from paywall.rules.phase import SubscriptionAction
from paywall.rules.receipt_number import receipt_number
from paywall.settings import Settings
from paywall.subscriptions.receipts import ReceiptAnswer, receipt_to_response
from paywall.subscriptions.responses import SubscriptionAnswer, load_responses
from paywall.web.language import Language
from paywall.web.pages.account import purchase_title, title_of

# Receipts are named after what they are of; the longest number has 19 digits.
NAME = re.compile(r"payment-[1-9][0-9]{0,18}|(?:receipt|withdrawal)_[0-9a-f]{1,64}")
REFUNDS_MAX = 50


class Receipt(NamedTuple):
    """`title` and the labels of `rows` are names of texts; `notes` are sentences."""

    title: str
    rows: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


class Seller(NamedTuple):
    """Who sells, by the settings."""

    name: str
    address: Sequence[str]
    tax_number: str


def seller_of(settings: Settings, language: Language, site: str | None) -> Seller:
    """Without a name in the settings, the site's."""
    name = settings.seller_name or str(language.words["site_name"]) or site or ""
    return Seller(name, settings.seller_address.splitlines(), settings.seller_tax_number)


async def load_receipt(
    session: AsyncSession,
    reader_id: str,
    name: str,
    language: Language,
    settings: Settings,
    now: datetime,
) -> Receipt | None:
    """The receipt with that name; None where the reader has none."""
    if not NAME.fullmatch(name):
        return None
    offers = await load_offers(session, settings, now)
    if name.startswith("payment-"):
        return await _of_payment(session, reader_id, int(name[8:]), offers, language, settings)
    if name.startswith("receipt_"):
        return await _of_cancellation(session, reader_id, name, offers, language, now)
    return await _of_withdrawal(session, reader_id, name, offers, language, settings)


async def _of_payment(
    session: AsyncSession,
    reader_id: str,
    purchase_id: int,
    offers: Offers,
    language: Language,
    settings: Settings,
) -> Receipt | None:
    purchase = await session.get(Purchase, purchase_id)
    if purchase is None or purchase.reader_id != reader_id:
        return None
    answer = await to_response(session, purchase, settings)
    money = _money_of(language, answer.currency)
    rows = [
        ("receipt_number", answer.receipt_number),
        ("receipt_date", language.moment(answer.created_at)),
        ("receipt_product", purchase_title(offers, language, answer)),
        ("receipt_amount", money(answer.amount_paid)),
    ]
    if answer.tax_amount is not None:
        rows.append(("receipt_tax", money(answer.tax_amount)))
    rows.append(("reference", f"{answer.reference} ({answer.processor})"))
    notes = [
        language.translate(
            "labelled",
            label=language.translate("receipt_refund", date=language.day(refund.created_at)),
            text=money(refund.amount),
        )
        for refund in await _refunds_of(session, purchase)
    ]
    if answer.paid_until is not None:
        word = "paid_until" if answer.amount_paid else "free_until"
        notes.insert(0, language.translate(word, date=language.moment(answer.paid_until)))
    return Receipt("receipt_payment", rows, notes)


class _Money(NamedTuple):
    language: Language
    currency: str

    def __call__(self, amount: int) -> str:
        return self.language.money(amount, self.currency, is_exact=True)


def _money_of(language: Language, currency: str) -> _Money:
    return _Money(language, currency)


async def _refunds_of(session: AsyncSession, purchase: Purchase) -> Sequence[Refund]:
    """The refunds that the reader got, oldest first."""
    statement = (
        select(Refund)
        .where(
            Refund.purchase_id == purchase.id,
            Refund.kind == ClawbackKind.REFUND,
            col(Refund.is_in_force),
        )
        .order_by(col(Refund.created_at), col(Refund.id))
        .limit(REFUNDS_MAX)
    )
    return (await session.exec(statement)).all()


async def _of_cancellation(
    session: AsyncSession,
    reader_id: str,
    receipt_id: str,
    offers: Offers,
    language: Language,
    now: datetime,
) -> Receipt | None:
    receipt = await session.get(CancellationReceipt, receipt_id)
    if receipt is None or receipt.reader_id != reader_id:
        return None
    subscription = await session.get_one(Subscription, receipt.subscription_id)
    (one,) = await load_responses(session, [subscription], now)
    title = title_of(offers, language, one) or language.translate(f"kind_{one.kind}")
    confirmed = receipt_to_response(receipt)
    rows = [
        ("receipt_number", confirmed.number),
        ("receipt_date", language.moment(receipt.at)),
        ("receipt_product", title),
    ]
    notes = _cancellation_notes(language, confirmed, one)
    # The receipt is a record of its time, so what came later is added to it.
    if (withdrawn := await _withdrawn_after(session, subscription, receipt.at)) is not None:
        notes.append(language.translate("withdrawn_later", date=language.moment(withdrawn)))
    return Receipt("receipt_cancellation", rows, notes)


def _cancellation_notes(
    language: Language, receipt: ReceiptAnswer, one: SubscriptionAnswer
) -> list[str]:
    t, moment = language.translate, language.moment
    is_now = receipt.when is CancelWhen.NOW
    notes = []
    if is_now:
        notes.append(t("ended_on", date=moment(min(receipt.at, receipt.access_until))))
        if receipt.access_until > receipt.at:
            # Of other days that the reader has.
            notes.append(t("access_until", date=moment(receipt.access_until)))
    else:
        notes.append(t("ends_on", date=moment(receipt.access_until)))
    if receipt.withdrawn_at is not None:
        notes.append(t("resumed_on", date=moment(receipt.withdrawn_at)))
    elif not is_now:
        is_late = SubscriptionAction.FIX_PAYMENT in one.actions
        notes.append(t("cancelled_late" if is_late else "cancelled"))
    return notes


async def _withdrawn_after(
    session: AsyncSession, subscription: Subscription, at: datetime
) -> datetime | None:
    """When the reader withdrew from the contract of a subscription, if they did so later."""
    invoiced = select(StripeInvoice.purchase_id).where(
        StripeInvoice.subscription_id == subscription.id
    )
    statement = select(func.max(Withdrawal.at)).where(
        or_(
            col(Withdrawal.purchase_id).in_(invoiced),
            col(Withdrawal.purchase_id) == subscription.purchase_id,
        ),
        col(Withdrawal.confirmed_at).is_not(None),
        col(Withdrawal.at) >= at,
    )
    withdrawn_at: datetime | None = (await session.exec(statement)).one()
    return withdrawn_at


async def _of_withdrawal(
    session: AsyncSession,
    reader_id: str,
    withdrawal_id: str,
    offers: Offers,
    language: Language,
    settings: Settings,
) -> Receipt | None:
    withdrawal = await session.get(Withdrawal, withdrawal_id)
    if withdrawal is None or withdrawal.reader_id != reader_id or withdrawal.confirmed_at is None:
        return None
    purchase = await session.get_one(Purchase, withdrawal.purchase_id)
    answer: PurchaseAnswer = await to_response(session, purchase, settings)
    rows = [
        ("receipt_number", receipt_number(withdrawal.id, withdrawal.at)),
        ("receipt_date", language.moment(withdrawal.at)),
        ("receipt_product", purchase_title(offers, language, answer)),
        ("receipt_amount", _money_of(language, purchase.currency)(withdrawal.amount)),
        ("receipt_payment", answer.receipt_number),
    ]
    ended = await load_ended(session, purchase, withdrawal)
    notes = [language.translate("withdrawn"), *_ended_notes(language, answer, ended)]
    if answer.withdrawal is not None:
        notes.append(withdrawal_sentence(language, answer.withdrawal))
    return Receipt("receipt_withdrawal", rows, notes)


def _ended_notes(language: Language, bought: PurchaseAnswer, ended: EndedByWithdrawal) -> list[str]:
    """What the withdrawal ended: time, credits and articles."""
    t = language.translate
    notes: list[str] = []
    if bought.withdrawal is None or not bought.withdrawal.is_returned:
        # Of a payment by the site's own means nothing has ended before the refund is recorded.
        return notes
    if bought.paid_until is not None:
        notes.append(t("withdrawn_period", date=language.moment(bought.paid_until)))
    elif bought.pass_id is not None:
        notes.append(t("withdrawn_pass"))
    if ended.credits_taken:
        notes.append(t("withdrawn_credits", count=ended.credits_taken))
    if ended.articles:
        titles = (article.title or t("article_gone") for article in ended.articles)
        count = len(ended.articles)
        notes.append(t("withdrawn_articles", count=count, titles=", ".join(titles)))
    return notes


def withdrawal_sentence(language: Language, withdrawal: WithdrawalAnswer) -> str:
    """When the reader gets the money back."""
    word = "withdrawal_returned" if withdrawal.is_returned else "withdrawal_pending"
    return language.translate(word, price=language.money(withdrawal.amount, withdrawal.currency))


def receipt_as_text(receipt: Receipt, seller: Seller, reader: str, language: Language) -> str:
    """The same as the page."""
    t = language.translate
    tax = [t("labelled", label=t("receipt_tax_number"), text=seller.tax_number)]
    rows = [t("labelled", label=t(label), text=text) for label, text in receipt.rows]
    lines = [
        seller.name,
        *seller.address,
        *(tax if seller.tax_number else []),
        "",
        t(receipt.title),
        *rows,
        t("labelled", label=t("reader"), text=reader),
        *receipt.notes,
    ]
    return "\n".join(lines) + "\n"
