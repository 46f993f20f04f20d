"""The account: what a reader has, had and paid."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import PackAnswer, PassAnswer, PlanAnswer
from paywall.catalogue.offers import Offers, load_offers
from paywall.credits.responses import (
    EntryAnswer,
    EntryArticle,
    GrantAnswer,
    list_entries,
    list_spendable_grants,
)
from paywall.http.paging import Page
from paywall.payments.api import load_page
from paywall.payments.responses import PendingAnswer, PurchaseAnswer
from paywall.rules.enums import PREPAID_KINDS, EntryKind, GrantSource, ProductKind
from paywall.rules.phase import SubscriptionAction, SubscriptionPhase
from paywall.settings import Settings
from paywall.subscribers.overview import Overview, overview
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.unlocks.api import SEARCH_CHARS_MAX
from paywall.unlocks.responses import UnlockAnswer, list_unlocks
from paywall.web.language import Language

# The newest of each list. The download has everything, and a search finds each article.
ITEMS_MAX = 50


class CreditChange(NamedTuple):
    """`amount` credits came or went, for an article or from a source where one is known."""

    at: datetime
    kind: EntryKind
    amount: int
    article: EntryArticle | None = None
    source: GrantSource | None = None


class Account(NamedTuple):
    """Everything that the account page shows, from one snapshot.

    `unlocks` are those with `sought` in the article's title.
    """

    overview: Overview
    entries: Page[EntryAnswer]
    sought: str
    unlocks: Sequence[UnlockAnswer]
    purchases: Sequence[PurchaseAnswer]
    offers: Offers
    now: datetime


async def load_overview(
    session: AsyncSession, reader_id: str, settings: Settings, now: datetime
) -> Overview:
    grants = await list_spendable_grants(session, reader_id, now)
    return await overview(session, reader_id, grants, settings=settings, now=now)


async def load_account(
    session: AsyncSession, reader_id: str, settings: Settings, now: datetime, sought: str = ""
) -> Account:
    grants = await list_spendable_grants(session, reader_id, now)
    entries, next_cursor = await list_entries(
        session, reader_id, with_actor=False, limit=ITEMS_MAX, cursor=None
    )
    unlocks, _ = await list_unlocks(
        session, reader_id, all_of_them=False, limit=ITEMS_MAX, cursor=None, title=sought
    )
    purchases = await load_page(session, reader_id, ITEMS_MAX, None, settings)
    mine = await overview(session, reader_id, grants, settings=settings, now=now)
    offers = await load_offers(session, settings, now)
    return Account(mine, Page(entries, next_cursor), sought, unlocks, purchases.items, offers, now)


def _changes(entries: Page[EntryAnswer], lapsed: Sequence[GrantAnswer]) -> Sequence[CreditChange]:
    """The newest first. What lapsed is shown at once: its entry is written some minutes later."""
    changes = list(_by_unlock(entries.items))
    if entries.next_cursor is not None:
        # The next page may have more of it.
        changes.pop()
    changes += [
        CreditChange(grant.expires_at, EntryKind.EXPIRED, grant.remaining)
        for grant in lapsed
        if grant.expires_at is not None
    ]
    return sorted(changes, key=lambda change: change.at, reverse=True)


def _by_unlock(entries: Sequence[EntryAnswer]) -> Iterator[CreditChange]:
    """Several grants that paid for one article are one change to the reader."""
    for (kind, _), group in groupby(entries, key=lambda one: (one.kind, one.unlock_id or -one.id)):
        first, *others = group
        amount = sum(abs(entry.amount) for entry in (first, *others))
        source = first.source if kind is EntryKind.GRANTED else None
        yield CreditChange(first.at, kind, amount, first.article, source)


def credits_by_expiry(grants: Sequence[GrantAnswer]) -> list[tuple[datetime | None, int]]:
    """How many credits expire when, the soonest first and those that never expire last."""
    amounts: defaultdict[datetime | None, int] = defaultdict(int)
    for grant in grants:
        amounts[grant.expires_at] += grant.remaining
    return sorted(amounts.items(), key=lambda item: (item[0] is None, item[0]))


def _in_order_of_use(subscriptions: Sequence[SubscriptionAnswer]) -> list[SubscriptionAnswer]:
    """A failed payment comes first, and what waits last, in the order in which it is used."""
    waiting = [one for one in subscriptions if one.phase is SubscriptionPhase.WAITING]
    begun = [one for one in subscriptions if one.phase is not SubscriptionPhase.WAITING]
    begun.sort(key=lambda one: SubscriptionAction.FIX_PAYMENT not in one.actions)
    return begun + sorted(waiting, key=lambda one: (one.starts_at, one.id))


def is_prepaid(one: SubscriptionAnswer) -> bool:
    """Whether it was bought once, and has days left."""
    return one.kind in PREPAID_KINDS and one.phase is not SubscriptionPhase.ENDED


def renews(subscriptions: Sequence[SubscriptionAnswer]) -> bool:
    """Whether one of them renews: nobody knows then when what waits for it is used."""
    return any(one.next_payment is not None for one in subscriptions)


def title_of(
    offers: Offers,
    language: Language,
    bought: PurchaseAnswer | PendingAnswer | SubscriptionAnswer,
) -> str | None:
    """The title of what was bought, while it is for sale or the site has a text for it."""
    sold: dict[ProductKind, Sequence[PlanAnswer | PassAnswer | PackAnswer]] = {
        ProductKind.PLAN: offers.plans,
        ProductKind.PASS: offers.passes,
        ProductKind.PACK: offers.packs,
    }
    pack_id = None if isinstance(bought, SubscriptionAnswer) else bought.pack_id
    for kind, product_id in zip(sold, (bought.plan_id, bought.pass_id, pack_id), strict=True):
        if product_id:
            titles = {one.id: one.title for one in sold[kind]}
            return language.title(kind, product_id) or titles.get(product_id)
    return None


def purchase_title(
    offers: Offers, language: Language, bought: PurchaseAnswer | PendingAnswer
) -> str:
    """The title of what was paid for, or the kind of it."""
    kind = "packs" if bought.pack_id else "kind_pass" if bought.pass_id else "kind_stripe"
    return title_of(offers, language, bought) or language.translate(kind)


def view_account(account: Account, language: Language) -> dict[str, object]:
    """What `account.html` shows."""
    mine, offers = account.overview, account.offers
    changes = _changes(account.entries, mine.lapsed)
    by_expiry = credits_by_expiry(mine.grants)
    does_renew = renews(mine.subscriptions)
    has_waiting = any(one.phase is SubscriptionPhase.WAITING for one in mine.subscriptions)
    ordered = [
        (one, title_of(offers, language, one)) for one in _in_order_of_use(mine.subscriptions)
    ]
    ended = (SubscriptionPhase.ENDED, SubscriptionPhase.NOT_STARTED)
    return {
        "overview": mine,
        "credits": by_expiry,
        "has_lapsing_credits": any(expires_at for expires_at, _ in by_expiry),
        "subscriptions": [(one, title) for one, title in ordered if one.phase not in ended],
        "past": [(one, title) for one, title in ordered if one.phase in ended],
        "renews": does_renew,
        # Where something waits, each of them ends earlier than all together.
        "total_until": mine.access_until if has_waiting and not does_renew else None,
        "pending": [(one, purchase_title(offers, language, one)) for one in mine.pending],
        "purchases": [(one, purchase_title(offers, language, one)) for one in account.purchases],
        "sought": account.sought,
        "search_chars_max": SEARCH_CHARS_MAX,
        "has_search": bool(account.sought) or len(account.unlocks) > 1,
        "unlocks": account.unlocks,
        "now": account.now,
        "changes": changes,
    }
