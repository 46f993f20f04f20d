"""A database with everything that the audit checks, made through the service and a stand-in."""

from pathlib import Path

from paywall.catalogue.models import DAYS_MAX
from paywall.credits.expiry import record_expired
from paywall.processors.stripe.catalogue import apply, differ
from paywall.rules.enums import UpsertOutcome
from paywall.sandbox.stripe import disputes, refunds
from paywall.sandbox.stripe.customers import Card
from paywall.server.housekeeping import run_housekeeping_once
from paywall.subscriptions.import_subscriptions import ImportedSubscription, import_subscriptions
from paywall.unlocks.import_unlocks import ImportedUnlock, import_unlocks
from tests.conftest import START
from tests.processors.stripe.shop import PRICES
from tests.processors.stripe.stage import stage
from tests.subscribers.by_khqr import by_khqr
from tests.subscribers.prepaid_time import by_prepaid_time
from tests.subscribers.site import Site

LATER = "2027-11-24T12:00:00Z"


async def fill_database(address: str, folder: Path) -> None:
    async with stage(address, folder) as made:
        shop = made.shops[0]
        site = Site(shop)
        await by_the_site(site)
        await by_stripe(site)
        shop.move(31)
        await shop.deliver_events()
        await at_the_desk(site)
        await by_prepaid_time(site)
        await by_khqr(shop, made.settings)
        shop.move(23)
        await shop.deliver_events()
        await run_housekeeping_once(shop.database, [record_expired])


async def by_the_site(site: Site) -> None:
    """Packs, a pass and prepaid periods, and what went back of them."""
    pack = await site.sell("cy", pack_id="six")
    await site.unlock("cy", "a0", "a1", "a2")
    await site.refund(pack, 150)
    await site.sell("cy", 0, pack_id="six")
    goodwill = await site.sell("cy", pack_id="six")
    await site.refund(goodwill, 100, keep_access=True)
    await site.refund(await site.sell("dee", pass_id="week"), 300)
    for _ in range(2):
        await site.sell("dee", pass_id="week")
        await site.sell("dee", plan_id="monthly")
    await site.shop.post("subscription/cancel", "dee", when="now")


async def by_stripe(site: Site) -> None:
    """A pack, passes, subscriptions that renew, fail and end; refunds that fail, disputes."""
    shop, account = site.shop, site.shop.stand_in.account

    def charge() -> str:
        return str([*account.find_all("charge")][-1]["id"])

    await shop.buy("eva", pack_id="six")
    await shop.deliver_events()
    await site.unlock("eva", "a0", "a1", "a2")
    failing = refunds.create_refund(account, {"charge": charge(), "amount": "600"})
    await shop.deliver_events()
    refunds.fail_refund(account, failing["id"])
    await shop.deliver_events()
    refunds.create_refund(account, {"charge": charge(), "amount": "250"})
    await shop.deliver_events()
    for _ in range(2):
        await shop.buy("fay", pass_id="week")
        await shop.deliver_events()
    lifetime = {"title": "For life", "days": DAYS_MAX, "prices": PRICES}
    await site.ask("PUT", "passes/lifetime", **lifetime)
    await apply(shop.database, shop.stripe_client, await differ(shop.database, shop.stripe_client))
    await shop.buy("lyn", pass_id="lifetime")
    await shop.deliver_events()
    for reader, card in (("gil", Card.PAYS), ("hal", Card.PAYS_ONCE), ("ian", Card.PAYS)):
        await shop.buy(reader, card, plan_id="monthly")
        await shop.deliver_events()
    disputes.open_dispute(account, charge())
    await shop.buy("joe", plan_id="tried")
    await shop.buy("kim", plan_id="yearly")
    await shop.deliver_events()
    await shop.post("subscription/cancel", "kim", when="now")
    await shop.deliver_events()


async def at_the_desk(site: Site) -> None:
    """Gifts, migrations, voids, expiry, revocations, a merge, an erasure, a late payment."""
    shop = site.shop
    await shop.buy("quy", Card.PAYS_ONCE, plan_id="monthly")
    await shop.deliver_events()
    for reader in ("lea", "mia", "ned"):
        await site.grant(reader, 5)
        await site.grant(reader, 3, expires_at=LATER, source="adjustment")
        await site.grant(reader, 2, expires_at="2027-01-01T12:00:00Z")
        await site.unlock(reader, "a0", "a1", "a3")
        voided = await site.grant(reader, 4)
        await site.ask("POST", f"subscribers/{reader}/grants/{voided}/void")
        await site.ask(
            "POST", f"subscribers/{reader}/unlocks", article_id="a4", source="complimentary"
        )
        await site.ask("PUT", f"subscribers/{reader}/subscription", current_period_end=LATER)
        await site.refund(await site.sell(reader, pack_id="six"), 100)
        await site.sell(reader, pass_id="week")
    await site.ask("DELETE", "subscribers/lea/unlocks/a1")
    await site.ask("DELETE", "subscribers/lea/unlocks/a3?return_credits=false")
    await site.ask("POST", "subscribers/mia/merge", into="lea")
    await site.ask("DELETE", "subscribers/ned")
    await site.ask("DELETE", "subscribers/joe")
    async with shop.database.writing() as session:
        unlocks = [ImportedUnlock("ola", article, START) for article in ("a0", "old")]
        assert (
            await import_unlocks(session, unlocks, clock=shop.clock) == [UpsertOutcome.CREATED] * 2
        )
        period_end = shop.clock.at.replace(year=2028)
        taken_over = [
            ImportedSubscription("ola", None, period_end, None),
            ImportedSubscription("pia", "monthly", period_end, "sub_of_before"),
        ]
        await import_subscriptions(session, taken_over, clock=shop.clock)
