"""The story that the contract's examples are recorded from: Sophea reads a Cambodian news site.

Each operation is requested at least once, and each field has a value at least once. What is shown
of a model is its first value, so the first request to an operation is the typical one.
"""

from typing import Any

import httpx

from paywall.processors.stripe.catalogue import apply, differ
from paywall.sandbox.stripe import checkout
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.subscriptions import update_subscription
from paywall.tokens.guard import PROXY_HEADER
from tests.contract.after_buying import answer_why, list_by_one, withdraw
from tests.contract.by_khqr import scan_codes
from tests.contract.from_wordpress import move_over_from_wordpress
from tests.processors.bakong.bank import Bank
from tests.processors.stripe.old_subscriptions import begin_old_subscription
from tests.processors.stripe.shop import DAY, Shop

Json = dict[str, Any]
PRICES = [{"amount": 400000, "currency": "khr"}, {"amount": 100, "currency": "usd"}]
PREVIEW = "<p>ទឹកទន្លេសាបបានឡើងខ្ពស់ជាងឆ្នាំមុន។</p>"
ARTICLE = {
    "title": "ទន្លេសាប៖ ទឹកឡើង ត្រីក៏ច្រើន",
    "url": "https://news.example/km/tonle-sap-2026",
    "language": "km",
    "policy": "premium",
    "unlock_cost": 1,
    "tags": ["environment", "បរិស្ថាន"],
    "published_at": "2026-11-24T09:30:00+07:00",
    "preview": {"paragraphs": 1},
    "body_html": f"{PREVIEW}<p>The fishers of Chong Kneas say that the catch has doubled.</p>",
}
TRAINS = {
    "title": "Trains to Angkor",
    "url": "https://news.example/en/angkor-trains",
    "language": "en",
    "policy": "metered",
    "preview": {"html": "<p>Read on with a subscription.</p>"},
    "body_html": "<p>The night train is back.</p>",
}
PLAN = {
    "title": "មួយខែ",
    "interval": "month",
    "interval_count": 1,
    "credits": 2,
    "credits_expire": "period_end",
    "trial_days": 7,
    "position": 1,
    "recommended": True,
    "prices": PRICES,
}
PACK = {
    "title": "Ten articles",
    "position": 1,
    "recommended": True,
    "credits": 10,
    "expires_after_days": 365,
    "prices": PRICES,
}
PASS = {
    "title": "A week of everything",
    "position": 1,
    "recommended": True,
    "days": 7,
    "prices": PRICES,
}
PROMOTION = {
    "amount": 8,
    "source": "promotion",
    "reference": "khmer-new-year-2026-sophea",
    "expires_at": "2027-04-14T07:00:00+07:00",
}
PURCHASE = {
    "reader_id": "sophea",
    "processor": "khqr",
    "reference": "khqr-20261124-0042",
    "pack_id": "ten-articles",
    "amount_paid": 400000,
    "currency": "khr",
}
TOKEN_ID = "0mDqsT3Zx2wB8yqk0cJ8uA"
ORIGIN = "https://news.example"
RETURN_URL = f"{ORIGIN}/thanks"


class Sophea:
    """The story, played by a shop."""

    def __init__(self, shop: Shop, bank: Bank) -> None:
        self.shop, self.bank = shop, bank

    async def ask(
        self, headers: dict[str, str], method: str, path: str, status: int, body: Json | None
    ) -> Json:
        # A second apart, so that no order depends on random ids.
        self.shop.stand_in.advance(1)
        self.shop.clock.at = self.shop.stand_in.account.at
        answer = await self.shop.service.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        return dict(answer.json()) if answer.content else {}

    async def anyone(self, path: str) -> Json:
        return await self.ask({}, "GET", path, httpx.codes.OK, None)

    async def site(
        self, method: str, path: str, status: int = 200, scopes: str = "admin", /, **body: object
    ) -> Json:
        headers = self.shop.bearer.site(scopes)
        return await self.ask(headers, method, f"/v1/{path}", status, body or None)

    async def reader(
        self, method: str, path: str, status: int = 200, who: str = "sophea", /, **body: object
    ) -> Json:
        headers = self.shop.bearer.reader(who)
        return await self.ask(headers, method, f"/v1/{path}", status, body or None)

    async def begin(self) -> None:
        """What is not recorded: the reader had another id before."""
        old = {"amount": 2, "source": "adjustment", "reference": "call-17"}
        await self.site("POST", "subscribers/sophea-old/grants", 201, **old)
        await self.site("POST", "subscribers/sophea-old/merge", into="sophea")

    async def play(self) -> None:
        await self.open_the_site()
        await self.sell()
        await self.publish()
        await self.read()
        await self.unlock()
        await self.pay_by_khqr()
        await self.subscribe()
        await self.cancel()
        await self.take_along()
        await self.ask_as_a_proxy()
        await self.move_over()
        await move_over_from_wordpress(self)

    async def open_the_site(self) -> None:
        for path in ("/livez", "/readyz", "/.well-known/jwks.json", "/v1/parts"):
            await self.anyone(path)
        await self.site("POST", "readers/sophea/token", lifetime_seconds=900)
        await self.site("POST", "tokens/revoke", 204, token_id=TOKEN_ID)

    async def sell(self) -> None:
        for path, product in (
            ("plans/monthly", PLAN),
            ("packs/ten-articles", PACK),
            ("passes/week", PASS),
        ):
            nouns, _, product_id = path.partition("/")
            await self.site("PUT", path, 201, **product)
            await self.site("PUT", path, **product, id=product_id)
            await self.site("GET", path)
            await self.site("PUT", f"{nouns}/old", 201, **product)
            page = await self.site("GET", f"{nouns}?limit=1")
            await self.site("GET", f"{nouns}?cursor={page['next_cursor']}")
            await self.site("DELETE", f"{nouns}/old", 204)
        yearly = {"title": "One year", "interval": "year", "prices": PRICES, "credits": 24}
        await self.site("PUT", "plans/yearly", 201, **yearly)
        dearer = [{"amount": 300_000, "currency": "khr"}, {"amount": 75, "currency": "usd"}]
        await self.site("PUT", "packs/five", 201, title="Five articles", credits=5, prices=dearer)
        await self.anyone("/v1/offers")
        client = self.shop.stripe_client
        await apply(self.shop.database, client, await differ(self.shop.database, client))

    async def publish(self) -> None:
        await self.site("PUT", "articles/tonle-sap-2026", 201, **ARTICLE)
        await self.site("PUT", "articles/tonle-sap-2026", **ARTICLE, id="tonle-sap-2026")
        await self.site("PUT", "articles/angkor-trains", 201, **TRAINS)
        await self.site("PUT", "articles/budget-2027", 201, **{**ARTICLE, "unlock_cost": 2})
        await self.site("PUT", "articles/old", 201, **TRAINS)
        await self.site("DELETE", "articles/old", 204)
        await self.site("GET", "articles/tonle-sap-2026")
        await self.site("GET", "articles/tonle-sap-2026/structured-data")
        page = await self.site("GET", "articles?limit=1")
        await self.site("GET", f"articles?cursor={page['next_cursor']}")
        await self.site("PUT", "articles/wrong", 422, **{**ARTICLE, "tags": ["rice", "fish", 3]})
        await self.site("PUT", "articles/wrong", 403, "access:check", **ARTICLE)

    async def read(self) -> None:
        """Checks, before anything is bought."""
        await self.site("POST", "subscribers/sophea/grants", 201, **PROMOTION)
        second = {**PROMOTION, "reference": "anniversary-2026", "priority": 50}
        await self.site("POST", "subscribers/sophea/grants", 201, **second)
        await self.site("POST", "subscribers/sophea/grants", 409, **{**PROMOTION, "amount": 9})
        question = {"article_id": "tonle-sap-2026", "reader_id": "sophea"}
        await self.site("POST", "access/check", **question, count_view=True)
        await self.site("POST", "access/check", article_id="angkor-trains", visitor_id="v-81f3c2")
        articles = ["tonle-sap-2026", "angkor-trains"]
        batch = {"article_ids": articles, "visitor_id": "v-81f3c2", "previews": True}
        await self.site("POST", "access/check-batch", **batch)
        await self.site("POST", "access/check-batch", article_ids=articles, reader_id="sophea")
        await self.site("POST", "access/body", **question)
        await self.site(
            "POST",
            "access/body",
            article_id="angkor-trains",
            visitor_id="v-81f3c2",
            count_view=True,
        )
        await self.reader("POST", "me/access/check-batch", article_ids=articles)
        await self.reader("POST", "me/page", article_ids=articles)
        await self.reader("GET", "me/articles/tonle-sap-2026/access")
        await self.reader("GET", "me/articles/angkor-trains/body")

    async def unlock(self) -> None:
        await self.reader("POST", "me/unlocks", 201, article_id="tonle-sap-2026", max_cost=1)
        await self.reader("POST", "me/unlocks", 409, article_id="budget-2027", max_cost=1)
        await self.reader("POST", "me/unlocks", 409, "dara", article_id="tonle-sap-2026")
        unlocks = "subscribers/sophea/unlocks"
        await self.site("POST", unlocks, 201, article_id="angkor-trains", source="complimentary")
        await self.site(
            "POST",
            unlocks,
            201,
            article_id="elections-2023",
            source="migration",
            unlocked_at="2024-06-01T08:00:00+07:00",
        )
        await self.site("DELETE", f"{unlocks}/elections-2023?return_credits=true", 204)
        await self.reader("GET", "me/unlocks")
        newest = await self.reader("GET", "me/unlocks?limit=1")
        sought = {"title": "a", "limit": 1, "cursor": newest["next_cursor"]}
        await self.reader("POST", "me/unlocks/search", **sought)
        await self.site("GET", unlocks)
        await self.reader("GET", "me/ledger")
        await self.reader("GET", "me/ledger?limit=1")
        await self.site("GET", "subscribers/sophea/ledger")

    async def pay_by_khqr(self) -> None:
        """A pack, of which half is paid back; a pass; and a period of a plan, for somebody else."""
        purchase = await self.site("POST", "purchases", 201, **PURCHASE)
        back = {"amount": 200000, "reference": "khqr-refund-0007"}
        address = f"purchases/{purchase['id']}"
        await self.site("POST", f"{address}/refunds", 201, **back, keep_access=True)
        await self.site("GET", address)
        for reader_id, product in (
            ("sophea", {"pass_id": "week"}),
            ("dara", {"plan_id": "monthly"}),
        ):
            sold = {key: value for key, value in PURCHASE.items() if key != "pack_id"}
            sold |= {"reader_id": reader_id, "reference": f"khqr-{reader_id}", **product}
            await self.site("POST", "purchases", 201, **sold)
        grant = await self.site(
            "POST", "subscribers/dara/grants", 201, **{**PROMOTION, "reference": "dara"}
        )
        await self.site("POST", f"subscribers/dara/grants/{grant['id']}/void")
        lapsing = {"reference": "weekend", "expires_at": "2026-11-26T00:00:00Z"}
        await self.site("POST", "subscribers/dara/grants", 201, **{**PROMOTION, **lapsing})
        await self.site("GET", "purchases")
        await self.site("GET", "purchases?limit=1")

    async def subscribe(self) -> None:
        """The pass and the pack stay on the way, the plan is paid at once after its trial."""
        wish = {"currency": "khr", "return_url": RETURN_URL, "consent": True}
        page = await self.reader("POST", "me/checkout", 201, plan_id="monthly", **wish)
        await self.reader("GET", f"me/checkout/{page['id']}")
        self.pay(page)
        await self.shop.deliver_events()
        bought = await self.reader("GET", f"me/checkout/{page['id']}")
        assert bought["status"] == "paid"
        await self.reader("POST", "me/checkout", 409, plan_id="monthly", **wish)
        for product in ({"pack_id": "ten-articles"}, {"pass_id": "week"}):
            later = await self.reader("POST", "me/checkout", 201, **product, **wish)
            self.pay(later, later=True)
        yearly = await self.reader("POST", "me/checkout", 201, "dara", plan_id="yearly", **wish)
        self.pay(yearly, later=True)
        owed = await self.reader("POST", "me/checkout", 201, "bopha", plan_id="monthly", **wish)
        self.pay(owed, Card.PAYS_ONCE)
        await self.shop.deliver_events()
        await self.reader("POST", "me/billing-portal", return_url=f"{ORIGIN}/account")
        self.shop.move(8)
        await self.set_end()
        await self.reader("GET", "me")
        for reader_id in ("sophea", "dara", "bopha"):
            await self.site("GET", f"subscribers/{reader_id}")
        await self.reader("GET", "me/purchases")
        await self.site("POST", "access/check", article_id="budget-2027", reader_id="sophea")
        await self.reader("POST", "me/access/check-batch", article_ids=["budget-2027"])
        budget = {"article_ids": ["budget-2027"], "reader_id": "sophea"}
        await self.site("POST", "access/check-batch", **budget)

    async def open_code(self, status: int, reader: str = "sophea", **wish: object) -> Json:
        wish["return_url"] = RETURN_URL
        return await self.reader("POST", "me/checkout", status, reader, **wish)

    async def set_end(self) -> None:
        """A desk sets a date in Stripe on which the subscription ends."""
        account = self.shop.stand_in.account
        subscription = next(account.find_all("subscription"))
        ends_at = {"cancel_at": str(account.now + 90 * DAY)}
        update_subscription(account, ends_at, subscription["id"])
        await self.shop.deliver_events()

    def pay(self, page: Json, card: Card = Card.PAYS, *, later: bool = False) -> None:
        session_id = page["url"].rpartition("/")[2]
        checkout.pay_session(self.shop.stand_in.account, session_id, card, later=later)

    async def cancel(self) -> None:
        me = await self.reader("GET", "me")
        (subscription_id,) = [
            item["id"] for item in me["subscriptions"] if item["kind"] == "stripe"
        ]
        one = {"subscription_id": subscription_id}
        reason = "I am moving abroad."
        cancelling = {**one, "when": "period_end"}
        await self.reader("POST", "me/subscription/cancel", **cancelling, dry_run=True)
        done = await self.reader("POST", "me/subscription/cancel", **cancelling, reason=reason)
        await answer_why(self, done["receipt"]["id"])
        await withdraw(self)
        await self.reader("GET", "me")
        await self.reader("POST", "me/subscription/resume", **one)
        await self.site("POST", "subscribers/sophea/subscription/cancel", **cancelling)
        await self.site("POST", "subscribers/sophea/subscription/resume", **one)
        await self.set_end()
        until = "2027-12-24T00:00:00Z"
        given = await self.site(
            "PUT",
            "subscribers/vibol/subscription",
            201,
            plan_id="monthly",
            current_period_end=until,
        )
        ended = await self.site(
            "POST", "subscribers/vibol/subscription/cancel", subscription_id=given["id"], when="now"
        )
        purchase = {**PURCHASE, "reader_id": "vibol", "reference": "khqr-vibol"}
        bought = await self.site("POST", "purchases", 201, **purchase)
        await list_by_one(self, "vibol", ended["receipt"]["id"], bought["id"])

    async def take_along(self) -> None:
        """One subscription is ended, tokens are revoked, one page to pay on is still open."""
        await self.reader("POST", "me/checkout", 201, pass_id="week", return_url=RETURN_URL)
        await scan_codes(self)
        revoked = {
            "issuer": "paywall",
            "subject": "sophea",
            "issued_before": "2026-11-25T05:00:00Z",
        }
        await self.site("POST", "tokens/revoke", 204, **revoked)
        await self.reader("GET", "me/export")
        await self.site("GET", "subscribers/sophea/export")
        for reader_id in ("vibol", "bopha"):
            await self.site("GET", f"subscribers/{reader_id}/export")
        await self.site("DELETE", "subscribers/vibol", 204)
        await self.site("POST", "subscribers/sophea/merge", into="sophea-chan")

    async def ask_as_a_proxy(self) -> None:
        """The proxy names the article; nobody is signed in."""
        token = self.shop.bearer.site()["Authorization"].removeprefix("Bearer ")
        for article_id, visitor_id, status in (
            ("angkor-trains", "v-81f3c2", 204),
            ("tonle-sap-2026", "v-81f3c2", 401),
        ):
            named = {"X-Paywall-Article": article_id, "X-Paywall-Visitor": visitor_id}
            headers = {PROXY_HEADER: token, **named}
            await self.ask(headers, "GET", "/v1/access/forward-auth", status, None)

    async def move_over(self) -> None:
        """Readers and articles of another system, many in one request."""
        terms = {key: TRAINS[key] for key in ("title", "url", "policy", "body_html")}
        more = {"language": "en", "unlock_cost": 2, "tags": ["travel"]}
        at = {"published_at": "2026-01-10T01:00:00Z"}
        await self.bulk(
            "articles", {"id": "angkor-2019", **terms}, {"id": "angkor-2020", **terms, **more, **at}
        )
        left = {"amount": 12, "source": "migration", "reference": "old-credits-bopha"}
        end = {"expires_at": "2027-12-31T17:00:00Z", "priority": 50}
        await self.bulk(
            "grants",
            {"reader_id": "bopha", **left},
            {"reader_id": "rithy", **left, "reference": "old-credits-rithy", **end},
        )
        given = {"article_id": "angkor-2019", "source": "migration"}
        await self.bulk(
            "unlocks",
            {"reader_id": "bopha", **given, "unlocked_at": "2024-06-01T08:00:00+07:00"},
            {"reader_id": "rithy", **given},
        )
        until = {"plan_id": "monthly", "current_period_end": "2027-12-24T00:00:00Z"}
        await self.bulk("subscriptions", {"reader_id": "bopha", **until})
        old = begin_old_subscription(self.shop.stand_in.account)
        billed = {"processor": "stripe", "reference": old.id, "plan_id": "monthly"}
        await self.site("POST", "subscribers/rithy/subscriptions/link", 201, **billed)

    async def bulk(self, kind: str, *rows: Json) -> None:
        await self.site("POST", f"bulk/{kind}", rows=rows)
