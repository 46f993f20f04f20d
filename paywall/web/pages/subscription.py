"""A subscription in words: until when it opens everything, and what can be done about it."""

from html import escape

from paywall.subscriptions.responses import ReceiptAnswer, SubscriptionAnswer
from paywall.web.pages.html import Writer
from paywall.web.pages.receipts import receipt_line, resumed_line, save_link
from paywall.web.pages.status import OVER, RENEWS, has_failed, is_billed, is_by_stripe


def subscription(writer: Writer, one: SubscriptionAnswer, title: str | None) -> str:
    """All of one, as HTML."""
    heading = escape(title or writer.say(f"kind_{one.kind}"))
    receipts = "".join(_receipt(writer, receipt) for receipt in one.receipts)
    return (
        f"<h3>{heading}</h3>{writer.text(until(writer, one))}{_paid_by(writer, one)}"
        f"{receipts}{_actions(writer, one)}"
    )


def until(writer: Writer, one: SubscriptionAnswer) -> str:
    """Until when it opens everything, in a sentence."""
    date = writer.language.moment(one.access_until) if one.access_until else ""
    if one.status == OVER:
        return writer.say("ends_on" if one.opens_all else "ended_on", date=date)
    if has_failed(one) and date:
        return _late(writer, one, date)
    if one.cancel_at_period_end:
        return f"{writer.say('ends_on', date=date)} {resume_costs(writer, one)}".rstrip()
    if one.is_renewing or not date:
        return writer.say("renewing")
    if is_by_stripe(one) and one.status not in RENEWS:
        return writer.label("status", writer.say(f"status_{one.status}"))
    if one.next_payment is None:
        return writer.say("access_until", date=date)
    return _renews(writer, one, writer.language.day(one.next_payment))


def _late(writer: Writer, one: SubscriptionAnswer, date: str) -> str:
    if not one.cancel_at_period_end:
        return writer.say("payment_late" if one.opens_all else "payment_failed", date=date)
    open_ = f" {writer.say('access_until', date=date)}" if one.opens_all else ""
    return writer.say("cancelled_late") + open_


def _renews(writer: Writer, one: SubscriptionAnswer, date: str) -> str:
    said = writer.say("renews_on", date=date)
    if one.price is None:
        return said
    price = writer.language.money(one.price.amount, one.price.currency)
    return f"{said} {writer.say('renews_for', price=price)}"


def resume_costs(writer: Writer, one: SubscriptionAnswer) -> str:
    """What going on with it costs, if that is known."""
    if one.price is None:
        return ""
    return writer.say(
        "resume_for", price=writer.language.money(one.price.amount, one.price.currency)
    )


def _paid_by(writer: Writer, one: SubscriptionAnswer) -> str:
    if one.payment_type is None:
        return ""
    word = f"type_{one.payment_type}"
    text = writer.say(word) if word in writer.language.words else one.payment_type
    return writer.faint(writer.label("payment_type", text))


def _receipt(writer: Writer, receipt: ReceiptAnswer) -> str:
    said = [receipt_line(writer, receipt)]
    if receipt.withdrawn_at is not None:
        said.append(resumed_line(writer, receipt.withdrawn_at))
    save = save_link(writer, receipt.id, said[0])
    return f'<p class="paywall-left">{escape(" · ".join(said))} {save}</p>'


def resumption(writer: Writer, subscription_id: str) -> str:
    """Takes a cancellation back."""
    return writer.form("/account/resume", writer.say("resume"), subscription_id=subscription_id)


def _actions(writer: Writer, one: SubscriptionAnswer) -> str:
    """What never renews ends by itself: to cancel it would only throw away what was paid."""
    if one.status == OVER:
        return ""
    forms = []
    if one.cancel_at_period_end:
        forms.append(resumption(writer, one.id))
    # While a payment is late, only an end at once stops it.
    if is_billed(one) or (is_by_stripe(one) and has_failed(one)):
        forms.append(writer.form("/account/cancel", writer.say("cancel"), subscription_id=one.id))
    if is_by_stripe(one):
        forms.append(billing(writer))
    return writer.actions(*forms)


def billing(writer: Writer) -> str:
    """To the processor's page for cards and invoices."""
    return writer.form("/account/billing", writer.say("billing"))
