"""A history: what payers, banks, readers and the desk of Stripe do, and how Stripe tells of it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from random import Random
from typing import Any

from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe import checkout, currencies, disputes, events, portal, refunds
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.schedules import schedule_end
from paywall.sandbox.stripe.subscriptions import (
    cancel_subscription,
    set_quantity,
    update_subscription,
)
from paywall.settings import Settings
from tests.processors.stripe.pass_truth import AT_THE_DESK
from tests.processors.stripe.shop import DAY, SECRET, Shop
from tests.processors.stripe.trials import begin_trial_at_the_desk
from tests.test_story import unlock

READERS = ("ann", "bo")
# As often as Stripe delivers an event again that was not taken (for three days).
SENT_AGAIN_MAX = 16
# Share of the steps after which what is outstanding is sent, while the history goes on.
SENT_AT_ONCE = 0.4
# Of the event loop, by which an answer of Stripe's is late.
TURNS = (0, 0, 1, 5, 40)
# Of how it is done, and as many of what it is done to: neither hangs on the other.
CHOICES = 60
PRORATIONS = ("always_invoice", "create_prorations", "none")
PAUSES = ("void", "keep_as_draft", "mark_uncollectible")
# A dispute that the bank has yet to decide.
OPEN = "needs_response"
INQUIRY = "warning_needs_response"
HOURS = (1, 24, 4 * 24, 31 * 24)


class Played:
    """One playing of a history, told in order or not."""

    def __init__(self, shops: list[Shop], settings: Settings, chance: Random | None) -> None:
        self.shops, self.settings, self.chance = shops, settings, chance
        self.shop = shops[0]
        self.account = self.shop.stand_in.account
        self.under_way: list[asyncio.Task[None]] = []
        # How often each step was taken, where it could be.
        self.happened: Counter[str] = Counter()
        # Where any was dropped a reconcile mends it, and what else went wrong as well.
        self.dropped = chance.choice([0.0, 0.0, 0.3, 1.0]) if chance else 0.0

    def pick(self, kind: str, choice: int, **having: str) -> dict[str, Any]:
        """One of the things of a kind; of those that are as they should be where there are any."""
        things = list(self.account.find_all(kind, **having)) or list(self.account.find_all(kind))
        if not things:
            raise ApiError(f"There is no {kind} yet.")
        return things[choice // CHOICES % len(things)]

    def active(self, n: int) -> dict[str, Any]:
        """A subscription that is active; one is paid for where there is none."""
        if not list(self.account.find_all("subscription", status="active")):
            plans = {"mode": "subscription", "status": "open"}
            for session in list(self.account.find_all("checkout.session", **plans))[:1]:
                checkout.pay_session(self.account, session["id"])
        return self.pick("subscription", n, status="active")

    def pay(self, n: int) -> None:
        session_id = self.pick("checkout.session", n, status="open")["id"]
        card, code = list(Card)[n % 4], "FREE" if n % 7 == 0 else None
        checkout.pay_session(self.account, session_id, card, later=n % 5 == 4, code=code)

    def settle_payment(self, n: int) -> None:
        """A bank that took its time says how it ended; it begins where there is none."""
        waiting = {"status": "complete", "payment_status": "unpaid"}
        if not list(self.account.find_all("checkout.session", **waiting)):
            page = self.pick("checkout.session", n, status="open")
            checkout.pay_session(self.account, page["id"], later=True)
        session_id = self.pick("checkout.session", n, **waiting)["id"]
        checkout.settle_session(self.account, session_id, paid=n % 3 > 0)

    def change_card(self, n: int) -> None:
        card = [Card.PAYS, Card.DECLINES][n % 2]
        set_card(self.account, self.pick("customer", n)["id"], card)

    def cancel(self, n: int) -> None:
        portal.portal_cancel(self.account, self.active(n)["id"])

    def resume(self, n: int) -> None:
        portal.portal_resume(self.account, self.active(n)["id"])

    def switch(self, n: int) -> None:
        subscription = self.active(n)
        plans = self.plan_prices(subscription["currency"])
        portal.portal_switch(self.account, subscription["id"], plans[n % len(plans)]["id"])

    def change(self, n: int) -> None:
        """A desk sets another price or quantity, billed now, with the next invoice or never."""
        subscription = self.active(n)
        item = {"id": subscription["items"]["data"][0]["id"]}
        if n % 2:
            item["quantity"] = str(1 + n % 5)
        else:
            plans = self.plan_prices(subscription["currency"])
            item["price"] = plans[n // 2 % len(plans)]["id"]
        change = {"items": [item], "proration_behavior": PRORATIONS[n % 3]}
        update_subscription(self.account, change, subscription["id"])

    def plan_prices(self, currency: str) -> list[dict[str, Any]]:
        prices = self.account.find_all("price", currency=currency)
        return [price for price in prices if price["recurring"] and price["lookup_key"]]

    def change_add_on(self, n: int) -> None:
        """A desk adds an item that is not in the catalogue, mostly billed now, or removes it."""
        subscription = self.active(n)
        _, *others = subscription["items"]["data"]
        if others:
            item = {"id": others[0]["id"], "deleted": "true"}
        else:
            prices = self.account.find_all("price", currency=subscription["currency"])
            (price,) = [one for one in prices if one["recurring"] and not one["lookup_key"]]
            item = {"price": price["id"], "quantity": str(1 + n % 2)}
        billed = PRORATIONS[n % 3 if others or n % 4 == 0 else 0]
        change = {"items": [item], "proration_behavior": billed}
        update_subscription(self.account, change, subscription["id"])

    def set_end(self, n: int) -> None:
        """A desk sets a date on which it ends, or a schedule that decides about it."""
        subscription_id = self.active(n)["id"]
        ends_at = self.account.now + (1 + n % 5) * 20 * DAY
        if n % 3:
            update_subscription(self.account, {"cancel_at": str(ends_at)}, subscription_id)
        else:
            schedule_end(self.account, subscription_id, ends_at)

    def end_with_credit(self, n: int) -> None:
        """A desk ends it now and credits the rest of its period."""
        subscription_id = self.active(n)["id"]
        prorated = {"prorate": "true", "invoice_now": str(n % 3 > 0).lower()}
        by = {"cancellation_details": {"comment": AT_THE_DESK}}
        cancel_subscription(self.account, prorated | by, subscription_id)

    def pause(self, n: int) -> None:
        """Collection stops, for good or for some weeks; or it goes on."""
        subscription_id = self.active(n)["id"]
        pause = {"behavior": PAUSES[n % 3]} if n % 4 else {}
        until = {"resumes_at": str(self.account.now + 40 * DAY)} if pause and n % 5 == 0 else {}
        update_subscription(self.account, {"pause_collection": pause | until}, subscription_id)

    def set_quantity(self, n: int) -> None:
        subscription_id = self.active(n)["id"]
        set_quantity(self.account, subscription_id, 1 + n % 3)

    def refund(self, n: int) -> None:
        """A part of it, or all that is left."""
        charge = self.pick("charge", n)
        part = {"amount": str(part_of(charge, n))} if n % 3 else {}
        refunds.create_refund(self.account, {"charge": charge["id"], **part})

    def begin_refund(self, n: int) -> None:
        """All or some of it, by a bank that takes its time."""
        charge = self.pick("charge", n)
        left = charge["amount_captured"] - charge["amount_refunded"]
        refunds.create_pending_refund(
            self.account, charge["id"], left if n % 3 else min(left, part_of(charge, n))
        )

    def settle_refund(self, n: int) -> None:
        refunds.complete_refund(self.account, self.pick("refund", n, status="pending")["id"])

    def fail_refund(self, n: int) -> None:
        refunds.fail_refund(self.account, self.pick("refund", n, status="succeeded")["id"])

    def dispute(self, n: int) -> None:
        disputes.open_dispute(self.account, self.pick("charge", n)["id"], inquiry=n % 2 == 0)

    def escalate(self, n: int) -> None:
        """An inquiry becomes a dispute; one is begun where there is none."""
        if not list(self.account.find_all("dispute", status=INQUIRY)):
            disputes.open_dispute(self.account, self.pick("charge", n)["id"], inquiry=True)
        disputes.escalate_inquiry(self.account, self.pick("dispute", n, status=INQUIRY)["id"])

    def close(self, n: int) -> None:
        disputes.close_dispute(
            self.account, self.pick("dispute", n, status=OPEN)["id"], won=n % 3 > 0
        )

    async def play(self, steps: list[tuple[str, int]]) -> None:
        for name, n in steps:
            try:
                await self.step(name, n)
                self.happened[name] += 1
            except ApiError:
                # What cannot be done at this moment is refused, as by Stripe, and changes nothing.
                continue
            finally:
                if self.chance is None:
                    await self.deliver_in_order()
                else:
                    await self.send_some(self.chance)

    async def step(self, name: str, n: int) -> None:
        match name:
            case "wait":
                # What was sent was signed before: it is taken in before the time moves.
                await self.arrived()
                self.shop.move(days=HOURS[n % 4] / 24)
            case "unlock":
                await self.drain_events()
                shop, reader = self.shop, READERS[n % 2]
                answer = await unlock(shop.service, shop.bearer, reader, f"a{n % 5}")
                self.happened["unlocked"] += answer.status_code == HTTPStatus.CREATED
            case "cancel_now":
                await self.drain_events()
                await self.shop.post("subscription/cancel", READERS[n % 2], when="now")
            case "subscribe":
                await self.subscribe(READERS[n % 2], ("tried", "tried", "monthly")[n % 3], n)
            case "desk_trial":
                # A page that is paid for before this is reported gives a second trial.
                await self.arrived()
                self.shop.move(days=1 / DAY)
                begin_trial_at_the_desk(self.account, self.pick("customer", n)["id"])
                await self.drain_events()
            case _:
                ACTS[name](self, n)

    async def subscribe(self, reader: str, plan_id: str, n: int) -> None:
        """The reader goes to a page for a plan, now and then after ending another one."""
        await self.drain_events()
        if n % 5 < 2:
            await self.shop.post("subscription/cancel", reader, when="now")
            await self.drain_events()
        had_trial = not (await self.shop.me(reader))["trial_available"]
        opened = await self.shop.open(reader, plan_id=plan_id)
        if had_trial and plan_id == "tried":
            self.happened["subscribed_again"] += opened.status_code == HTTPStatus.CREATED

    async def deliver_in_order(self) -> None:
        """In order: each event is handled before the next one comes."""
        for delivery in events.drain_deliveries(self.account, SECRET):
            await self.send(self.shop, delivery)

    async def send_some(self, chance: Random) -> None:
        """Out of order: now and then some events are under way while more happens in Stripe."""
        if chance.random() < SENT_AT_ONCE:
            self.send_all(chance)
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)

    def send_all(self, chance: Random) -> None:
        """All that is outstanding at once, to both workers."""
        deliveries = events.drain_deliveries(
            self.account, SECRET, shuffle=chance, repeat=0.3, drop=self.dropped
        )
        for n, delivery in enumerate(deliveries):
            sent = self.send(self.shops[n % len(self.shops)], delivery)
            self.under_way.append(asyncio.create_task(sent))

    async def arrived(self) -> None:
        """What is under way has been taken in."""
        sent, self.under_way = self.under_way, []
        await asyncio.gather(*sent)

    async def drain_events(self) -> None:
        """Out of order: all has been told at last, or a reconcile has made up for it."""
        if self.chance is None:
            return
        self.send_all(self.chance)
        await self.arrived()
        if self.dropped:
            assert (
                await reconcile(
                    StripeContext(self.shop.database, self.shop.stripe_client, self.settings)
                )
                is not None
            )

    async def send(self, shop: Shop, delivery: events.WebhookDelivery) -> None:
        """Once, as long as they come in order; at once, one that found no turn comes again."""
        answer = await shop.send(delivery)
        for _ in range(SENT_AGAIN_MAX if self.chance else 0):
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            answer = await shop.send(delivery)
        assert answer.status_code == HTTPStatus.OK, answer.text

    async def shown(self) -> dict[str, Any]:
        """What readers and the site are told at the end, without names that chance gave."""
        everybody: dict[str, Any] = {}
        for reader in READERS:
            mine = await self.shop.me(reader)
            bought = await self.shop.service.get(
                "/v1/me/purchases", headers=self.shop.bearer.reader(reader)
            )
            read = await self.shop.service.get(
                "/v1/me/unlocks", headers=self.shop.bearer.reader(reader)
            )
            passes = [s for s in mine["subscriptions"] if s["kind"] == "pass"]
            everybody[reader] = {
                "left": mine["unlocks_left"],
                "trial": mine["trial_available"],
                "grants": sorted(
                    (g["granted_at"], g["amount"], g["remaining"], g["source"], g["expires_at"])
                    for g in mine["grants"]
                ),
                "passes": sorted(p["access_until"] for p in passes),
                "subscriptions": sorted(
                    (s["id"], s["status"], s["plan_id"], str(s["access_until"]),
                     s["cancel_at_period_end"], str(s["next_payment"]), str(s["price"]),
                     str(s["cancels_at"]), s["phase"])
                    for s in mine["subscriptions"] if s["kind"] == "stripe"
                ),
                "purchases": sorted(
                    (p["reference"], p["amount_paid"], p["refunded"], p["created_at"])
                    for p in bought.json()["items"]
                ),
                "unlocks": sorted(u["article_id"] for u in read.json()["items"]),
            }  # fmt: skip
        return everybody


def part_of(charge: dict[str, Any], n: int) -> int:
    """A part of a payment, or more than it, that can be refunded in its currency."""
    part = charge["amount"] * (1 + n % CHOICES * 23) / 600
    return currencies.round_amount(part, charge["currency"])


# What payers, banks and the desk of Stripe do, of which the service is not asked.
ACTS: dict[str, Callable[[Played, int], None]] = {
    "pay": Played.pay,
    "settle": Played.settle_payment,
    "card": Played.change_card,
    "cancel": Played.cancel,
    "resume": Played.resume,
    "switch": Played.switch,
    "change": Played.change,
    "add_on": Played.change_add_on,
    "set_end": Played.set_end,
    "end_with_credit": Played.end_with_credit,
    "pause": Played.pause,
    "set_quantity": Played.set_quantity,
    "refund": Played.refund,
    "begin_refund": Played.begin_refund,
    "settle_refund": Played.settle_refund,
    "fail_refund": Played.fail_refund,
    "dispute": Played.dispute,
    "escalate": Played.escalate,
    "close": Played.close,
}
STEPS = [
    *ACTS, *["pay"] * 4, "refund", *["dispute"] * 2, *["close"] * 3, "fail_refund", "wait", "wait",
    *["unlock"] * 3, *["cancel_now"] * 2, *["subscribe"] * 2, "desk_trial",
    "set_quantity", "settle_refund", "cancel", "pause", *["switch"] * 2, *["add_on"] * 4,
]  # fmt: skip


def history(seed: int) -> list[tuple[str, int]]:
    chance = Random(seed)
    return [
        (chance.choice(STEPS), chance.randrange(CHOICES**2)) for _ in range(chance.randrange(8, 36))
    ]
