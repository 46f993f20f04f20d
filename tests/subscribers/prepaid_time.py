"""Readers whose prepaid time was paused, taken back, given back, ended, and joined by a merge."""

from datetime import timedelta

from paywall.sandbox.stripe import disputes, refunds
from tests.subscribers.site import Site


async def by_prepaid_time(site: Site) -> None:
    """Nine days in which every kind of fact moves somebody's prepaid time."""
    shop, account = site.shop, site.shop.stand_in.account
    for _ in range(2):
        await site.sell("rob", pass_id="week")
        await site.sell("wes", pass_id="week")
    for _ in range(3):
        await site.sell("sue", plan_id="monthly")
    charges: dict[str, str] = {}
    for reader in ("pam", "viv", "xia", "viv"):
        await shop.buy(reader, pass_id="week")
        charges.setdefault(reader, [*account.find_all("charge")][-1]["id"])
        await deliver_after(site, hours=1)
    for reader in ("tim", "una"):
        await site.sell(reader, plan_id="monthly")
    await deliver_after(site, hours=48)
    disputed = disputes.open_dispute(account, charges["viv"])
    refund = refunds.create_refund(account, {"charge": charges["xia"], "amount": "600"})
    await put_complimentary(site, "rob", days=5)
    await put_complimentary(site, "una", days=1)
    await deliver_after(site, hours=12)
    await shop.buy("pam", plan_id="monthly")
    await shop.buy("xia", plan_id="tried")
    await deliver_after(site, hours=36)
    disputes.close_dispute(account, disputed["id"], won=True)
    refunds.fail_refund(account, refund["id"])
    await put_complimentary(site, "rob", days=1)
    await site.ask("POST", "subscribers/una/merge", into="tim")
    await deliver_after(site, hours=24)
    await cancel_first(site, "wes")
    await deliver_after(site, hours=48)
    await shop.post("subscription/cancel", "pam", when="now")
    await deliver_after(site, hours=48)


async def deliver_after(site: Site, *, hours: float) -> None:
    """Deliver Stripe's events, and then let time pass."""
    assert set(await site.shop.deliver_events()) <= {200}
    site.shop.move(hours / 24)
    assert set(await site.shop.deliver_events()) <= {200}


async def put_complimentary(site: Site, reader: str, *, days: float) -> None:
    end = site.shop.clock.at + timedelta(days=days)
    path = f"subscribers/{reader}/subscription"
    await site.ask("PUT", path, current_period_end=end.isoformat())


async def cancel_first(site: Site, reader: str) -> None:
    mine = (await site.shop.me(reader))["subscriptions"]
    first = min(mine, key=lambda item: str(item["access_until"]))
    done = await site.shop.post(
        "subscription/cancel", reader, when="now", subscription_id=first["id"]
    )
    assert done.status_code == 200, done.text
