"""Receipts that a reader keeps: a few lines of text, headed by the name of the site."""

from datetime import datetime

from paywall.payments.responses import PurchaseAnswer
from paywall.rules.enums import CancelWhen
from paywall.rules.phase import SubscriptionAction
from paywall.subscriptions.responses import ReceiptAnswer, SubscriptionAnswer
from paywall.web.pages.html import Writer

PAYMENT = "payment-"


def save_link(writer: Writer, name: str, what: str) -> str:
    """To the file of that name; `what` tells it from the other receipts of a page."""
    text = writer.say("save_receipt")
    label = writer.say("labelled", label=text, text=what)
    return writer.link(text, f"/account/receipts/{name}", label=label)


def payment_name(purchase: PurchaseAnswer) -> str:
    return f"{PAYMENT}{purchase.id}"


def of_payment(writer: Writer, purchase: PurchaseAnswer, title: str) -> str:
    """The whole text, for a file."""
    money = writer.language.money
    lines = [
        title,
        writer.say(
            "payment",
            price=money(purchase.amount_paid, purchase.currency),
            date=writer.language.moment(purchase.created_at),
        ),
    ]
    if purchase.paid_until is not None:
        lines.append(writer.say("paid_until", date=writer.language.moment(purchase.paid_until)))
    if purchase.refunded:
        back = money(purchase.refunded, purchase.currency)
        lines.append(writer.say("purchase_refunded", price=back))
    lines.append(writer.label("reference", f"{purchase.reference} ({purchase.processor})"))
    return _text(writer, lines, purchase.reader_id)


def of_cancellation(
    writer: Writer, receipt: ReceiptAnswer, one: SubscriptionAnswer, title: str, reader_id: str
) -> str:
    """The whole text, for a file."""
    date = writer.language.moment(receipt.access_until)
    is_now = receipt.when is CancelWhen.NOW
    said = writer.say("ended_on" if is_now else "ends_on", date=date)
    lines = [title, receipt_line(writer, receipt), said]
    if receipt.withdrawn_at is not None:
        lines.append(resumed_line(writer, receipt.withdrawn_at))
    elif not is_now:
        is_late = SubscriptionAction.FIX_PAYMENT in one.actions
        lines.append(writer.say("cancelled_late" if is_late else "cancelled"))
    return _text(writer, lines, reader_id)


def receipt_line(writer: Writer, receipt: ReceiptAnswer) -> str:
    return writer.say("receipt", id=receipt.id, date=writer.language.moment(receipt.at))


def resumed_line(writer: Writer, at: datetime) -> str:
    return writer.say("resumed_on", date=writer.language.moment(at))


def _text(writer: Writer, lines: list[str], reader_id: str) -> str:
    heading = writer.language.words["site_name"] or writer.site or ""
    told = [str(heading), *lines, writer.label("reader", reader_id)]
    return "\n".join(line for line in told if line) + "\n"
