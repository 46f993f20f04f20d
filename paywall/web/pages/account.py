"""The account: what a reader has, had and paid, in words."""

from datetime import datetime
from html import escape
from typing import NamedTuple

from paywall.catalogue.api import Offers
from paywall.credits.listing import EntryAnswer, GrantAnswer
from paywall.http.paging import Page
from paywall.payments.listing import PendingAnswer, PurchaseAnswer
from paywall.rules.words import EntryKind, SubscriptionKind
from paywall.subscribers.overview import Overview
from paywall.subscriptions.listing import ReceiptAnswer, SubscriptionAnswer
from paywall.unlocks.listing import UnlockAnswer
from paywall.web.pages.asking import Service
from paywall.web.pages.html import Writer

LINES = 50
"""So many of the newest of each list; all of them are in the download."""
OVER, LATE = "canceled", "past_due"
UNPAID = (LATE, "unpaid")
NEVER_BEGAN = ("incomplete", "incomplete_expired")


class Account(NamedTuple):
    """What the service tells of a reader."""

    overview: Overview
    entries: list[EntryAnswer]
    unlocks: list[UnlockAnswer]
    purchases: list[PurchaseAnswer]
    offers: Offers

    def title(self, thing: PurchaseAnswer | PendingAnswer | SubscriptionAnswer) -> str | None:
        """What was bought is called so while it is for sale."""
        titles = {
            **{("plan", one.id): one.title for one in self.offers.plans},
            **{("pass", one.id): one.title for one in self.offers.passes},
            **{("pack", one.id): one.title for one in self.offers.packs},
        }
        pack_id = None if isinstance(thing, SubscriptionAnswer) else thing.pack_id
        named = {"plan": thing.plan_id, "pass": thing.pass_id, "pack": pack_id}
        found = (titles[kind, id_] for kind, id_ in named.items() if id_ and (kind, id_) in titles)
        return next(found, None)


async def load_account(service: Service) -> Account:
    """Raises Refused."""
    entries = await service.get(f"/v1/me/ledger?limit={LINES}", Page[EntryAnswer])
    unlocks = await service.get(f"/v1/me/unlocks?limit={LINES}", Page[UnlockAnswer])
    purchases = await service.get(f"/v1/me/purchases?limit={LINES}", Page[PurchaseAnswer])
    overview = await service.get("/v1/me", Overview)
    offers = await service.get("/v1/offers", Offers)
    return Account(overview, entries.items, unlocks.items, purchases.items, offers)


def sections(writer: Writer, account: Account) -> list[str]:
    return [
        _credits(writer, account.overview),
        _subscriptions(writer, account),
        _purchases(writer, account),
        _articles(writer, account.unlocks),
        _ledger(writer, account),
        _data(writer),
    ]


def _credits(writer: Writer, overview: Overview) -> str:
    left = writer.text(writer.say("unlocks_left", count=overview.unlocks_left))
    lapsing = [escape(_grant(writer, grant)) for grant in overview.grants]
    lines = writer.items(lapsing, writer.say("no_credits"))
    return writer.section(
        writer.say("your_credits"), left, lines, writer.text(writer.say("credit_is"))
    )


def _grant(writer: Writer, grant: GrantAnswer) -> str:
    if grant.expires_at is None:
        return writer.say("credits_last", count=grant.remaining)
    credits_ = writer.say("credits", count=grant.remaining)
    date = writer.language.moment(grant.expires_at)
    return writer.say("credits_lapse", credits=credits_, date=date)


def _subscriptions(writer: Writer, account: Account) -> str:
    told = [
        _subscription(writer, one, account.title(one)) for one in account.overview.subscriptions
    ]
    title = writer.say("your_subscription")
    return writer.section(title, *(told or [writer.text(writer.say("no_subscription"))]))


def _subscription(writer: Writer, one: SubscriptionAnswer, title: str | None) -> str:
    facts = {writer.say("status"): writer.say(f"status_{one.status}")}
    if one.next_payment is not None:
        facts[writer.say("next_payment")] = writer.language.day(one.next_payment)
    if one.payment_type is not None:
        word = f"type_{one.payment_type}"
        is_known = word in writer.language.words
        facts[writer.say("payment_type")] = writer.say(word) if is_known else one.payment_type
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in facts.items()
    )
    return (
        f"<h3>{escape(title or writer.say(f'kind_{one.kind}'))}</h3><dl>{lines}</dl>"
        f"{writer.text(until(writer, one))}{_receipt(writer, one.receipt)}{_actions(writer, one)}"
    )


def until(writer: Writer, one: SubscriptionAnswer) -> str:
    """Until when it opens everything, in a sentence."""
    date = writer.language.moment(one.access_until) if one.access_until else ""
    if one.status == OVER:
        return writer.say("ends_on" if one.opens_all else "ended_on", date=date)
    if one.cancel_at_period_end:
        return writer.say("ends_on", date=date)
    if one.is_renewing or not date:
        return writer.say("renewing")
    if one.status == LATE:
        return writer.say("payment_late", date=date)
    if one.next_payment is not None:
        return writer.say("renews_on", date=writer.language.day(one.next_payment))
    return writer.say("access_until", date=date)


def is_billed(one: SubscriptionAnswer) -> bool:
    """It will take money again: a second one would be refused."""
    goes_on = one.status not in (OVER, *NEVER_BEGAN) and not one.cancel_at_period_end
    return goes_on and one.kind is SubscriptionKind.STRIPE


def has_failed(one: SubscriptionAnswer) -> bool:
    """Its last payment did not go through; another means of payment mends that."""
    return one.status in UNPAID


def _receipt(writer: Writer, receipt: ReceiptAnswer | None) -> str:
    return writer.text(receipt_line(writer, receipt)) if receipt else ""


def receipt_line(writer: Writer, receipt: ReceiptAnswer) -> str:
    return writer.say("receipt", id=receipt.id, date=writer.language.moment(receipt.at))


def _actions(writer: Writer, one: SubscriptionAnswer) -> str:
    """What never renews ends by itself: to cancel it would only throw away what was paid."""
    if one.status == OVER:
        return ""
    forms = []
    if one.cancel_at_period_end:
        forms.append(writer.form("/account/resume", writer.say("resume"), subscription_id=one.id))
    elif is_billed(one):
        forms.append(writer.form("/account/cancel", writer.say("cancel"), subscription_id=one.id))
    if one.kind is SubscriptionKind.STRIPE:
        forms.append(billing(writer))
    if not forms:
        return ""
    return f'<div class="paywall-actions">{"".join(forms)}</div>'


def billing(writer: Writer) -> str:
    """To the processor's page for cards and invoices."""
    return writer.form("/account/billing", writer.say("billing"))


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


class _Change(NamedTuple):
    """A change to a reader's credits, `amount` of them."""

    at: datetime
    kind: EntryKind
    amount: int


def _ledger(writer: Writer, account: Account) -> str:
    """What lapsed is told at once: the entry of it is written some minutes later."""
    changes = [_Change(entry.at, entry.kind, abs(entry.amount)) for entry in account.entries]
    changes += [
        _Change(grant.expires_at, EntryKind.EXPIRED, grant.remaining)
        for grant in account.overview.lapsed
        if grant.expires_at is not None
    ]
    changes.sort(key=lambda change: change.at, reverse=True)
    lines = [escape(_change(writer, change)) for change in changes]
    return writer.section(
        writer.say("your_ledger"), writer.items(lines, writer.say("nothing_happened"))
    )


def _change(writer: Writer, change: _Change) -> str:
    return writer.say(
        "entry",
        date=writer.language.day(change.at),
        what=writer.say(f"entry_{change.kind}"),
        credits=writer.say("credits", count=change.amount),
    )


def _purchases(writer: Writer, account: Account) -> str:
    pending = [_pending(writer, one, account.title(one)) for one in account.overview.pending]
    lines = [_purchase(writer, one, account.title(one)) for one in account.purchases]
    return writer.section(
        writer.say("your_purchases"), writer.items([*pending, *lines], writer.say("no_purchases"))
    )


def _pending(writer: Writer, pending: PendingAnswer, title: str | None) -> str:
    said = writer.say("on_its_way", date=writer.language.day(pending.since))
    return _bought(writer, pending, title, [said])


def _purchase(writer: Writer, purchase: PurchaseAnswer, title: str | None) -> str:
    """The processor's own name for the payment comes last."""
    lines = [
        writer.say(
            "payment",
            price=writer.language.money(purchase.amount_paid, purchase.currency),
            date=writer.language.day(purchase.created_at),
        )
    ]
    if purchase.refunded:
        back = writer.language.money(purchase.refunded, purchase.currency)
        lines.append(writer.say("purchase_refunded", price=back))
    lines.append(f"{purchase.processor} {purchase.reference}")
    return _bought(writer, purchase, title, lines)


def _bought(
    writer: Writer, thing: PurchaseAnswer | PendingAnswer, title: str | None, lines: list[str]
) -> str:
    """As HTML: what was bought first, by its title or by what kind of thing it is."""
    if title is None:
        sort = "packs" if thing.pack_id else "kind_pass" if thing.pass_id else "kind_stripe"
        title = writer.say(sort)
    return f"<b>{escape(title)}</b>" + "".join(
        f'<p class="paywall-left">{escape(line)}</p>' for line in lines
    )


def _data(writer: Writer) -> str:
    return writer.section(
        writer.say("your_data"), writer.link(writer.say("download_data"), "/account/data")
    )
