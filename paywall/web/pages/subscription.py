"""A subscription in words: until when it opens everything, and what can be done about it."""

from html import escape

from paywall.rules.phase import SubscriptionAction, SubscriptionPhase
from paywall.subscriptions.responses import ReceiptAnswer, SubscriptionAnswer
from paywall.web.pages.html import Writer
from paywall.web.pages.receipts import receipt_line, resumed_line, save_link

SENTENCES = {
    SubscriptionPhase.ENDED: "ended_on",
    SubscriptionPhase.PAYMENT_PENDING: "renewing",
    SubscriptionPhase.PAYMENT_FAILED: "payment_late",
    SubscriptionPhase.LAPSED: "payment_failed",
}


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
    match one.phase:
        case SubscriptionPhase.ACTIVE:
            return _renews(writer, one, date)
        case SubscriptionPhase.ENDING:
            return _ends(writer, one, date)
        case SubscriptionPhase.PAUSED | SubscriptionPhase.NOT_STARTED:
            return writer.label("status", writer.say(f"status_{one.status}"))
        case _:
            return writer.say(SENTENCES[one.phase], date=date)


def _ends(writer: Writer, one: SubscriptionAnswer, date: str) -> str:
    if SubscriptionAction.FIX_PAYMENT not in one.actions:
        return f"{writer.say('ends_on', date=date)} {resume_costs(writer, one)}".rstrip()
    open_ = f" {writer.say('access_until', date=date)}" if one.opens_all else ""
    return writer.say("cancelled_late") + open_


def _renews(writer: Writer, one: SubscriptionAnswer, date: str) -> str:
    if one.next_payment is None:
        return writer.say("access_until", date=date)
    said = writer.say("renews_on", date=writer.language.day(one.next_payment))
    if one.price is None:
        return said
    price = writer.language.money(one.price.amount, one.price.currency)
    return f"{said} {writer.say('renews_for', price=price)}"


def resume_costs(writer: Writer, one: SubscriptionAnswer) -> str:
    """What going on with it costs, if it can be resumed and that is known."""
    if one.price is None or SubscriptionAction.RESUME not in one.actions:
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
    forms = []
    if SubscriptionAction.RESUME in one.actions:
        forms.append(resumption(writer, one.id))
    if SubscriptionAction.CANCEL in one.actions:
        forms.append(writer.form("/account/cancel", writer.say("cancel"), subscription_id=one.id))
    if SubscriptionAction.MANAGE_BILLING in one.actions:
        forms.append(billing(writer))
    return writer.actions(*forms)


def billing(writer: Writer) -> str:
    """To the processor's page for cards and invoices."""
    return writer.form("/account/billing", writer.say("billing"))
