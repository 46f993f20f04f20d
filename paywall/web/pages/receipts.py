"""Receipts that a reader keeps: a few lines of text, headed by the name of the site."""

from paywall.payments.responses import PurchaseAnswer
from paywall.rules.enums import CancelWhen
from paywall.rules.phase import SubscriptionAction
from paywall.subscriptions.receipts import ReceiptAnswer
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.web.language import Language
from paywall.web.pages.account import Account, purchase_title, title_of

PAYMENT = "payment-"


def receipt_of(account: Account, language: Language, name: str, site: str | None) -> str | None:
    """The text of the receipt with that name, if the reader has one."""
    offers, mine = account.offers, account.overview
    for purchase in account.purchases:
        if f"{PAYMENT}{purchase.id}" == name:
            lines = _payment_lines(language, purchase, purchase_title(offers, language, purchase))
            return _text(language, lines, mine.reader_id, site)
    for one in mine.subscriptions:
        for receipt in one.receipts:
            if receipt.id == name:
                title = title_of(offers, language, one) or language.translate(f"kind_{one.kind}")
                lines = [title, *_cancellation_lines(language, receipt, one)]
                return _text(language, lines, mine.reader_id, site)
    return None


def _payment_lines(language: Language, purchase: PurchaseAnswer, title: str) -> list[str]:
    t, moment = language.translate, language.moment
    price = language.money(purchase.amount_paid, purchase.currency)
    lines = [title, t("payment", price=price, date=moment(purchase.created_at))]
    if purchase.paid_until is not None:
        lines.append(t("paid_until", date=moment(purchase.paid_until)))
    if purchase.refunded:
        back = language.money(purchase.refunded, purchase.currency)
        lines.append(t("purchase_refunded", price=back))
    reference = f"{purchase.reference} ({purchase.processor})"
    return [*lines, t("labelled", label=t("reference"), text=reference)]


def _cancellation_lines(
    language: Language, receipt: ReceiptAnswer, one: SubscriptionAnswer
) -> list[str]:
    t, moment = language.translate, language.moment
    is_now = receipt.when is CancelWhen.NOW
    lines = [t("receipt", id=receipt.id, date=moment(receipt.at))]
    if is_now:
        lines.append(t("ended_on", date=moment(min(receipt.at, receipt.access_until))))
        if receipt.access_until > receipt.at:
            # Of other days that the reader has.
            lines.append(t("access_until", date=moment(receipt.access_until)))
    else:
        lines.append(t("ends_on", date=moment(receipt.access_until)))
    if receipt.withdrawn_at is not None:
        lines.append(t("resumed_on", date=moment(receipt.withdrawn_at)))
    elif not is_now:
        is_late = SubscriptionAction.FIX_PAYMENT in one.actions
        lines.append(t("cancelled_late" if is_late else "cancelled"))
    return lines


def _text(language: Language, lines: list[str], reader_id: str, site: str | None) -> str:
    heading = language.words["site_name"] or site or ""
    t = language.translate
    reader = t("labelled", label=t("reader"), text=reader_id)
    return "\n".join(line for line in [str(heading), *lines, reader] if line) + "\n"
