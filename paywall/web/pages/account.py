"""The account: what a reader has, had and paid, in words."""

from html import escape
from typing import NamedTuple

from paywall.credits.listing import EntryAnswer, GrantAnswer
from paywall.http.paging import Page
from paywall.payments.listing import PurchaseAnswer
from paywall.rules.words import SubscriptionKind
from paywall.subscribers.overview import Overview
from paywall.subscriptions.listing import ReceiptAnswer, SubscriptionAnswer
from paywall.unlocks.listing import UnlockAnswer
from paywall.web.pages.asking import Service
from paywall.web.pages.html import Writer

LINES = 50
"""So many of the newest of each list; all of them are in the download."""
OVER = "canceled"


class Account(NamedTuple):
    """What the service tells of a reader."""

    overview: Overview
    entries: list[EntryAnswer]
    unlocks: list[UnlockAnswer]
    purchases: list[PurchaseAnswer]


async def load_account(service: Service) -> Account:
    """Raises Refused."""
    entries = await service.get(f"/v1/me/ledger?limit={LINES}", Page[EntryAnswer])
    unlocks = await service.get(f"/v1/me/unlocks?limit={LINES}", Page[UnlockAnswer])
    purchases = await service.get(f"/v1/me/purchases?limit={LINES}", Page[PurchaseAnswer])
    overview = await service.get("/v1/me", Overview)
    return Account(overview, entries.items, unlocks.items, purchases.items)


def sections(writer: Writer, account: Account) -> list[str]:
    return [
        _credits(writer, account.overview),
        _subscriptions(writer, account.overview.subscriptions),
        _articles(writer, account.unlocks),
        _ledger(writer, account.entries),
        _purchases(writer, account.purchases),
        _data(writer),
    ]


def _credits(writer: Writer, overview: Overview) -> str:
    left = writer.text(writer.say("unlocks_left", count=overview.unlocks_left))
    lapsing = [escape(_grant(writer, grant)) for grant in overview.grants]
    lines = writer.items(lapsing, writer.say("no_credits"))
    return writer.section(writer.say("your_credits"), left, lines)


def _grant(writer: Writer, grant: GrantAnswer) -> str:
    credits_ = writer.say("credits", count=grant.remaining)
    if grant.expires_at is None:
        return writer.say("credits_last", credits=credits_)
    date = writer.language.moment(grant.expires_at)
    return writer.say("credits_lapse", credits=credits_, date=date)


def _subscriptions(writer: Writer, subscriptions: list[SubscriptionAnswer]) -> str:
    told = [_subscription(writer, one) for one in subscriptions]
    title = writer.say("your_subscription")
    return writer.section(title, *(told or [writer.text(writer.say("no_subscription"))]))


def _subscription(writer: Writer, one: SubscriptionAnswer) -> str:
    facts = {writer.say("status"): writer.say(f"status_{one.status}")}
    if one.next_payment is not None:
        facts[writer.say("next_payment")] = writer.language.moment(one.next_payment)
    if one.payment_type is not None:
        facts[writer.say("payment_type")] = one.payment_type
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items()
    )
    named = one.plan_id or one.pass_id
    title = writer.say(f"kind_{one.kind}") + (f": {named}" if named else "")
    return (
        f"<h3>{escape(title)}</h3><dl>{lines}</dl>{writer.text(until(writer, one))}"
        f"{_receipt(writer, one.receipt)}{_actions(writer, one)}"
    )


def until(writer: Writer, one: SubscriptionAnswer) -> str:
    """Until when it opens everything, in a sentence."""
    if one.status == OVER:
        return writer.say("cancelled_now")
    if one.access_until is None:
        return writer.say("renewing")
    date = writer.language.moment(one.access_until)
    if one.cancel_at_period_end:
        return writer.say("ends_on", date=date)
    return writer.say("renews_on" if one.next_payment else "access_until", date=date)


def _receipt(writer: Writer, receipt: ReceiptAnswer | None) -> str:
    return writer.text(receipt_line(writer, receipt)) if receipt else ""


def receipt_line(writer: Writer, receipt: ReceiptAnswer) -> str:
    return writer.say("receipt", id=receipt.id, date=writer.language.moment(receipt.at))


def _actions(writer: Writer, one: SubscriptionAnswer) -> str:
    if one.status == OVER:
        return ""
    forms = [
        writer.form("/account/resume", writer.say("resume"), subscription_id=one.id)
        if one.cancel_at_period_end
        else writer.form("/account/cancel", writer.say("cancel"), subscription_id=one.id)
    ]
    if one.kind is SubscriptionKind.STRIPE:
        forms.append(writer.form("/account/billing", writer.say("billing")))
    return f'<div class="paywall-actions">{"".join(forms)}</div>'


def _articles(writer: Writer, unlocks: list[UnlockAnswer]) -> str:
    lines = [
        writer.link(unlock.title or unlock.article_id, unlock.url)
        if unlock.url
        else escape(unlock.title or unlock.article_id)
        for unlock in unlocks
    ]
    return writer.section(
        writer.say("your_articles"), writer.items(lines, writer.say("no_articles"))
    )


def _ledger(writer: Writer, entries: list[EntryAnswer]) -> str:
    lines = [
        escape(
            writer.say(
                "entry",
                date=writer.language.moment(entry.at),
                what=writer.say(f"entry_{entry.kind}"),
                credits=writer.say("credits", count=abs(entry.amount)),
            )
        )
        for entry in entries
    ]
    return writer.section(
        writer.say("your_ledger"), writer.items(lines, writer.say("nothing_happened"))
    )


def _purchases(writer: Writer, purchases: list[PurchaseAnswer]) -> str:
    lines = [escape(_purchase(writer, purchase)) for purchase in purchases]
    return writer.section(
        writer.say("your_purchases"), writer.items(lines, writer.say("no_purchases"))
    )


def _purchase(writer: Writer, purchase: PurchaseAnswer) -> str:
    line = writer.say(
        "purchase",
        date=writer.language.moment(purchase.created_at),
        price=writer.language.money(purchase.amount_paid, purchase.currency),
        processor=purchase.processor,
        reference=purchase.reference,
    )
    if purchase.refunded == 0:
        return line
    back = writer.language.money(purchase.refunded, purchase.currency)
    return f"{line} ({writer.say('purchase_refunded', price=back)})"


def _data(writer: Writer) -> str:
    return writer.section(
        writer.say("your_data"), writer.link(writer.say("download_data"), "/account/data")
    )
