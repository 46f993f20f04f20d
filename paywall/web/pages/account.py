"""The account: what a reader has, had and paid, in words."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from paywall.catalogue.api import Offers
from paywall.catalogue.models import PackAnswer, PassAnswer, PlanAnswer
from paywall.credits.responses import EntryAnswer
from paywall.http.paging import Page
from paywall.payments.responses import PendingAnswer, PurchaseAnswer
from paywall.rules.enums import ProductKind
from paywall.subscribers.overview import Overview
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.unlocks.responses import UnlockAnswer
from paywall.web.language import Language
from paywall.web.pages.asking import Service
from paywall.web.pages.history import history
from paywall.web.pages.html import Writer
from paywall.web.pages.receipts import of_cancellation, of_payment, payment_name, save_link
from paywall.web.pages.subscription import subscription

LINES = 50
"""So many of the newest of each list; all of them are in the download."""


class Account(NamedTuple):
    """What the service tells of a reader."""

    overview: Overview
    entries: Page[EntryAnswer]
    unlocks: list[UnlockAnswer]
    purchases: list[PurchaseAnswer]
    offers: Offers

    def title(
        self, language: Language, thing: PurchaseAnswer | PendingAnswer | SubscriptionAnswer
    ) -> str | None:
        """What was bought is called so while it is for sale, or has a name among the site's."""
        sold: dict[ProductKind, Sequence[PlanAnswer | PassAnswer | PackAnswer]] = {
            ProductKind.PLAN: self.offers.plans,
            ProductKind.PASS: self.offers.passes,
            ProductKind.PACK: self.offers.packs,
        }
        pack_id = None if isinstance(thing, SubscriptionAnswer) else thing.pack_id
        named = zip(sold, (thing.plan_id, thing.pass_id, pack_id), strict=True)
        for kind, product_id in named:
            if product_id:
                titles = {one.id: one.title for one in sold[kind]}
                return language.title(kind, product_id) or titles.get(product_id)
        return None


async def load_account(service: Service) -> Account:
    """Raises Refused."""
    entries = await service.get(f"/v1/me/ledger?limit={LINES}", Page[EntryAnswer])
    unlocks = await service.get(f"/v1/me/unlocks?limit={LINES}", Page[UnlockAnswer])
    purchases = await service.get(f"/v1/me/purchases?limit={LINES}", Page[PurchaseAnswer])
    overview = await service.get("/v1/me", Overview)
    offers = await service.get("/v1/offers", Offers)
    return Account(overview, entries, unlocks.items, purchases.items, offers)


def sections(writer: Writer, account: Account) -> list[str]:
    return [
        _credits(writer, account.overview),
        _subscriptions(writer, account),
        _purchases(writer, account),
        _articles(writer, account.unlocks),
        history(writer, account.entries, account.overview.lapsed),
        _data(writer),
    ]


def _credits(writer: Writer, overview: Overview) -> str:
    count = overview.unlocks_left
    if not count:
        return writer.section(writer.say("your_credits"), writer.text(writer.say("no_credits")))
    have = writer.say("you_have", credits=writer.say("credits", count=count))
    ends: dict[datetime | None, int] = {}
    for grant in overview.grants:
        ends[grant.expires_at] = ends.get(grant.expires_at, 0) + grant.remaining
    lines = [escape(_lasting(writer, some, end)) for end, some in ends.items()]
    is_lapsing = ends.keys() != {None}
    return writer.section(
        writer.say("your_credits"),
        writer.text(have),
        writer.items(lines, "") if is_lapsing else "",
        writer.text(writer.say("credit_is")),
    )


def _lasting(writer: Writer, count: int, end: datetime | None) -> str:
    if end is None:
        return writer.say("credits_last", count=count)
    credits_ = writer.say("credits", count=count)
    return writer.say("credits_lapse", credits=credits_, date=writer.language.moment(end))


def _subscriptions(writer: Writer, account: Account) -> str:
    told = [
        subscription(writer, one, account.title(writer.language, one))
        for one in account.overview.subscriptions
    ]
    title = writer.say("your_subscription")
    return writer.section(title, *(told or [writer.text(writer.say("no_subscription"))]))


def _articles(writer: Writer, unlocks: list[UnlockAnswer]) -> str:
    lines = [_article(writer, unlock) for unlock in unlocks]
    return writer.section(
        writer.say("your_articles"), writer.items(lines, writer.say("no_articles"))
    )


def _article(writer: Writer, unlock: UnlockAnswer) -> str:
    """With the day and what it cost, where it cost anything."""
    about = [writer.language.day(unlock.unlocked_at)]
    if cost := sum(payment.amount for payment in unlock.payments):
        about.append(writer.say("credits", count=cost))
    title = writer.named(unlock.title or unlock.article_id, unlock.url)
    return f"{title}{writer.faint(' · '.join(about))}"


def _purchases(writer: Writer, account: Account) -> str:
    pending = [_pending(writer, account, one) for one in account.overview.pending]
    lines = [_purchase(writer, account, one) for one in account.purchases]
    return writer.section(
        writer.say("your_purchases"), writer.items([*pending, *lines], writer.say("no_purchases"))
    )


def _pending(writer: Writer, account: Account, pending: PendingAnswer) -> str:
    said = writer.say("on_its_way", date=writer.language.day(pending.since))
    return f"<b>{escape(bought(writer, account, pending))}</b>{writer.faint(said)}"


def _purchase(writer: Writer, account: Account, purchase: PurchaseAnswer) -> str:
    title, money = bought(writer, account, purchase), writer.language.money
    price = money(purchase.amount_paid, purchase.currency)
    said = writer.say("payment", price=price, date=writer.language.day(purchase.created_at))
    back = ""
    if purchase.refunded:
        refunded = money(purchase.refunded, purchase.currency)
        back = writer.faint(writer.say("purchase_refunded", price=refunded))
    save = save_link(writer, payment_name(purchase), f"{title}, {said}")
    return f'<b>{escape(title)}</b>{writer.faint(said)}{back}<p class="paywall-left">{save}</p>'


def bought(writer: Writer, account: Account, thing: PurchaseAnswer | PendingAnswer) -> str:
    """What was paid for, by its title or by what kind of thing it is."""
    sort = "packs" if thing.pack_id else "kind_pass" if thing.pass_id else "kind_stripe"
    return account.title(writer.language, thing) or writer.say(sort)


def receipt(writer: Writer, account: Account, name: str) -> str | None:
    """The text of the receipt of that name, if the reader has one."""
    for purchase in account.purchases:
        if payment_name(purchase) == name:
            return of_payment(writer, purchase, bought(writer, account, purchase))
    for one in account.overview.subscriptions:
        title = account.title(writer.language, one) or writer.say(f"kind_{one.kind}")
        for found in one.receipts:
            if found.id == name:
                return of_cancellation(writer, found, one, title, account.overview.reader_id)
    return None


def _data(writer: Writer) -> str:
    return writer.section(
        writer.say("your_data"), writer.link(writer.say("download_data"), "/account/data")
    )
