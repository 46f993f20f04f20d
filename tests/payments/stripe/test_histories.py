"""Whatever happens in Stripe, and however it is told of: the end is that of telling all in order.

Each history is played twice. Once every event is delivered at once and in its order; once events
are held back, shuffled, repeated and given to two workers at the same time, before anything is
asked of the service that depends on them; where some are dropped, a reconcile follows. Both times
what is recorded in the end is what is true in Stripe.

STRIPE_HISTORIES=1000 make test TESTS=tests/payments/stripe/test_histories.py plays many.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from paywall.app import create_app
from paywall.database import Database
from paywall.gateway import Gateway
from paywall.payments.stripe.sell import Counter
from paywall.sandbox.stripe import checkout, disputes, events, portal, refunds
from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.customers import Card, use_card
from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.standin import StandIn
from paywall.sandbox.stripe.subscriptions import update_subscription
from paywall.sandbox.stripe.wire import InProcess
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.conftest import PATIENT_SECONDS, START, Bearer, SetClock, _new_postgres_database, running
from tests.payments.stripe.shop import DAY, SECRET, Shop, reconciled
from tests.payments.stripe.truth import as_recorded, in_stripe
from tests.router import router_of
from tests.sandbox.stripe.sdk_contract import SdkContract
from tests.test_story import put_article, unlock

HISTORIES = int(os.environ.get("STRIPE_HISTORIES", "6"))
READERS = ("ann", "bo")
WISHES: dict[str, list[dict[str, str]]] = {
    "ann": [{"pack_id": "six"}, {"pack_id": "six"}, {"plan_id": "monthly"}]
    + [{"pass_id": "week"}] * 3,
    "bo": [{"pack_id": "six"}, {"plan_id": "tried"}],
}
PAUSES = ("void", "keep_as_draft", "mark_uncollectible")
HOURS = (1, 24, 4 * 24, 31 * 24)


class Played:
    """One playing of a history, told in order or not."""

    def __init__(self, shops: list[Shop], settings: Settings, chance: Random | None) -> None:
        self.shops, self.settings, self.chance = shops, settings, chance
        self.shop = shops[0]
        self.account = self.shop.stand_in.account

    def pick(self, kind: str, choice: int) -> dict[str, Any]:
        things = list(self.account.all(kind))
        if not things:
            raise Refusal(f"There is no {kind} yet.")
        return things[choice % len(things)]

    def pay(self, n: int) -> None:
        session_id = self.pick("checkout.session", n)["id"]
        card, code = list(Card)[n % 4], "FREE" if n % 7 == 0 else None
        checkout.pay(self.account, session_id, card, later=n % 5 == 4, code=code)

    def settle_payment(self, n: int) -> None:
        session_id = self.pick("checkout.session", n)["id"]
        checkout.settle(self.account, session_id, paid=n % 3 > 0)

    def change_card(self, n: int) -> None:
        card = [Card.PAYS, Card.DECLINES][n % 2]
        use_card(self.account, self.pick("customer", n)["id"], card)

    def cancel(self, n: int) -> None:
        portal.portal_cancel(self.account, self.pick("subscription", n)["id"])

    def resume(self, n: int) -> None:
        portal.portal_resume(self.account, self.pick("subscription", n)["id"])

    def switch(self, n: int) -> None:
        subscription_id = self.pick("subscription", n)["id"]
        plans = [p for p in self.account.all("price", currency="usd") if p["recurring"]]
        portal.portal_switch(self.account, subscription_id, plans[n % len(plans)]["id"])

    def pause(self, n: int) -> None:
        """Collection stops, for good or for some weeks; or it goes on."""
        subscription_id = self.pick("subscription", n)["id"]
        pause = {"behavior": PAUSES[n % 3]} if n % 4 else {}
        until = {"resumes_at": str(self.account.now + 40 * DAY)} if pause and n % 5 == 0 else {}
        update_subscription(self.account, {"pause_collection": pause | until}, subscription_id)

    def refund(self, n: int) -> None:
        """A part of it, or all that is left."""
        given = {"charge": self.pick("charge", n)["id"]}
        part = {"amount": str(1 + n * 23)} if n % 3 else {}
        refunds.create_refund(self.account, given | part)

    def fail_refund(self, n: int) -> None:
        refunds.fail_refund(self.account, self.pick("refund", n)["id"])

    def dispute(self, n: int) -> None:
        disputes.open_dispute(self.account, self.pick("charge", n)["id"], inquiry=n % 2 == 0)

    def escalate(self, n: int) -> None:
        disputes.escalate(self.account, self.pick("dispute", n)["id"])

    def close(self, n: int) -> None:
        disputes.close_dispute(self.account, self.pick("dispute", n)["id"], won=n % 2 == 0)

    async def play(self, steps: list[tuple[str, int]]) -> None:
        for name, n in steps:
            try:
                await self.step(name, n)
            except Refusal:
                # What cannot be done at this moment is refused, as by Stripe, and changes nothing.
                continue
            finally:
                if self.chance is None:
                    await self.tell()

    async def step(self, name: str, n: int) -> None:
        match name:
            case "wait":
                self.shop.move(days=HOURS[n % 4] / 24)
            case "unlock":
                await self.settle()
                shop, reader = self.shop, READERS[n % 2]
                await unlock(shop.service, shop.bearer, reader, f"a{n % 5}")
            case "cancel_now":
                await self.settle()
                await self.shop.post("subscription/cancel", READERS[n % 2], when="now")
            case _:
                ACTS[name](self, n)

    async def tell(self) -> None:
        """In order: each event is handled before the next one comes."""
        for delivery in events.drain(self.account, SECRET):
            await self.send(self.shop, delivery)

    async def settle(self) -> None:
        """Out of order: all that is outstanding at once, to both workers; then a reconcile."""
        if self.chance is None:
            return
        drop = self.chance.choice([0.0, 0.3, 1.0])
        deliveries = events.drain(self.account, SECRET, shuffle=self.chance, repeat=0.3, drop=drop)
        sends = [self.send(self.shops[n % len(self.shops)], d) for n, d in enumerate(deliveries)]
        await asyncio.gather(*sends)
        if drop:
            await reconciled(Counter(self.shop.database, self.shop.gateway, self.settings))

    async def send(self, shop: Shop, delivery: events.Delivery) -> None:
        answer = await shop.send(delivery)
        assert answer.status_code == 200, answer.text

    async def told(self) -> dict[str, Any]:
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
                "grants": sorted(
                    (g["granted_at"], g["amount"], g["remaining"], g["source"], g["expires_at"])
                    for g in mine["grants"]
                ),
                "passes": sorted(p["access_until"] for p in passes),
                "subscriptions": sorted(
                    (s["id"], s["status"], s["plan_id"], str(s["access_until"]),
                     s["cancel_at_period_end"], str(s["next_payment"]))
                    for s in mine["subscriptions"] if s["kind"] == "stripe"
                ),
                "purchases": sorted(
                    (p["reference"], p["amount_paid"], p["refunded"], p["created_at"])
                    for p in bought.json()["items"]
                ),
                "unlocks": sorted(u["article_id"] for u in read.json()["items"]),
            }  # fmt: skip
        return everybody


@pytest.fixture
def new_address(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[str], str]:
    """The address of one more migrated database, by a name."""

    kind = "sqlite" if database_kind == "sqlite" else "postgres"
    template: Any = request.getfixturevalue(f"{kind}_template")

    def make(name: str) -> str:
        if database_kind == "sqlite":
            shutil.copy(template, tmp_path / f"{name}.sqlite3")
            return f"sqlite:///{tmp_path / name}.sqlite3"
        return _new_postgres_database(template.rpartition("/")[0], "template_paywall")

    return make


@asynccontextmanager
async def playing(address: str, folder: Path, chance: Random | None) -> AsyncIterator[Played]:
    """The services on this database, two where it takes two, with a stand-in of their own."""
    settings = Settings(
        database_url=address,
        data_dir=str(folder),
        request_timeout_seconds=PATIENT_SECONDS,
        allowed_origins=["https://news.example"],
        stripe_secret_key="sk_test_standin",
        stripe_webhook_secrets=[SECRET],
    )
    contract, clock = SdkContract(), SetClock()
    stand_in = StandIn(START, inspector=contract)
    create_coupon(stand_in.account, {"id": "FREE", "percent_off": "100"})
    async with AsyncExitStack() as stack:
        shops = []
        for _ in range(1 if settings.is_sqlite else 2):
            gateway = Gateway(settings, InProcess(stand_in, timeout_seconds=0.05))
            edge = create_app(settings, clock, gateway)
            await stack.enter_async_context(running(edge))
            transport = httpx.ASGITransport(edge)  # type: ignore[arg-type]  # looser types
            client = httpx.AsyncClient(transport=transport, base_url="http://paywall.test")
            service = await stack.enter_async_context(client)
            app = router_of(edge)
            database: Database = app.state.database
            bearer = Bearer(app, clock)
            shops.append(Shop(service, bearer, clock, stand_in, database, gateway))
        await shops[0].stock()
        yield Played(shops, settings, chance)
    contract.hold()


ACTS: dict[str, Callable[[Played, int], None]] = {
    "pay": Played.pay,
    "settle": Played.settle_payment,
    "card": Played.change_card,
    "cancel": Played.cancel,
    "resume": Played.resume,
    "switch": Played.switch,
    "pause": Played.pause,
    "refund": Played.refund,
    "fail_refund": Played.fail_refund,
    "dispute": Played.dispute,
    "escalate": Played.escalate,
    "close": Played.close,
}
"""What payers, banks and the desk of Stripe do, of which the service is not asked."""
STEPS = [*ACTS, "pay", "pay", "pay", "refund", "wait", "wait", "unlock", "unlock", "cancel_now"]


def history(seed: int) -> list[tuple[str, int]]:
    chance = Random(seed)
    return [(chance.choice(STEPS), chance.randrange(60)) for _ in range(chance.randrange(8, 36))]


@pytest.mark.slow
async def test_any_order_of_delivery_ends_as_in_order(
    new_address: Callable[[str], str], tmp_path: Path
) -> None:
    for seed in range(HISTORIES):
        ends = []
        for name, chance in (("ordered", None), ("shuffled", Random(seed))):
            folder = tmp_path / f"{name}{seed}"
            async with playing(new_address(f"{name}{seed}"), folder, chance) as played:
                await _open_all(played)
                await played.play(history(seed))
                await played.settle()
                ends.append(await played.told())
                async with played.shop.database.reading() as session:
                    assert await audit(session) == [], seed
                    assert await as_recorded(session) == in_stripe(played.account), seed
        assert ends[1] == ends[0], (seed, history(seed))


async def _open_all(played: Played) -> None:
    shop = played.shop
    for n in range(5):
        await put_article(shop.service, shop.bearer, f"a{n}", unlock_cost=1 + n % 2)
    for reader, wishes in WISHES.items():
        for wish in wishes:
            opened = await shop.open(reader, **wish)
            assert opened.status_code == 201, opened.text
