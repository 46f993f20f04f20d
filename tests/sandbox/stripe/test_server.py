"""The stand-in over HTTP: the real SDK's API, the pages, the clock, and what it delivers."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape

import httpx
import pytest
import stripe

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.sandbox.stripe.stand_in import StandIn
from tests.conftest import PATIENT_SECONDS
from tests.sandbox.stripe.served import SECRET, served
from tests.sandbox.stripe.shop import DAY, SITE, Shop
from tests.sandbox.stripe.test_events import FOREVER

LOUD = "This is not Stripe. No money moves."
DELIVERED_WITHIN_SECONDS = 20

# The SDK hands httpx its form by a parameter that httpx wants to be rid of.
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


class Till:
    """A shop whose stand-in is served, and a browser of sorts."""

    def __init__(self, shop: Shop, running: StandInRunner, browser: httpx.AsyncClient) -> None:
        self.shop = shop
        self.running = running
        self.browser = browser

    async def press(self, page: str, words: str, **typed: str) -> httpx.Response:
        """Press the button with these words on a page, as a person does."""
        shown = (await self.browser.get(page)).text
        for form in re.findall(r"<form.*?</form>", shown, re.DOTALL):
            if f"<button>{words}</button>" in unescape(form):
                action = re.search(r'action="([^"]*)"', form)
                hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
                where = httpx.URL(page).join(action.group(1)) if action else page
                return await self.browser.post(where, data={**hidden, **typed})
        raise AssertionError(f"No button {words!r}: {shown}")

    async def url_of(self, session_id: str) -> str:
        session = await self.shop.stripe.checkout.sessions.retrieve_async(session_id)
        return str(session.url)

    async def portal(self) -> str:
        session = await self.shop.stripe.billing_portal.sessions.create_async(
            {"customer": self.shop.customer, "return_url": f"{SITE}/me"}
        )
        return session.url


@pytest.fixture
async def till(stand_in: StandIn) -> AsyncIterator[Till]:
    async with served(stand_in) as running, httpx.AsyncClient(timeout=PATIENT_SECONDS) as browser:
        shop = Shop(stand_in)
        address = stand_in.account.address
        http = stripe.HTTPXClient(timeout=5)
        shop.stripe = stripe.StripeClient(
            "sk_test_shop",
            base_addresses={"api": address},
            http_client=http,
            max_network_retries=2,
        ).v1
        await shop.open()
        browser.base_url = httpx.URL(address)
        yield Till(shop, running, browser)
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's


async def test_every_page_is_loudly_not_stripe(till: Till) -> None:
    checkout = await till.url_of(await till.shop.session(till.shop.goods.gold))
    for address in (checkout, await till.portal(), "/", "/checkout/none", "/portal/none"):
        page = await till.browser.get(address)
        assert LOUD in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_what_the_seller_named_is_text_on_every_page(till: Till) -> None:
    for product in till.shop.account.find_all("product"):
        await till.shop.stripe.products.update_async(product["id"], {"name": "<b>Gold</b>"})
    checkout = await till.url_of(await till.shop.session(till.shop.goods.gold))
    await till.shop.subscribed()
    for address in (checkout, await till.portal()):
        shown = (await till.browser.get(address)).text
        assert "&lt;b&gt;Gold&lt;/b&gt;" in shown
        assert "<b>Gold" not in shown


async def test_a_person_pays_and_is_sent_back(till: Till) -> None:
    session_id = await till.shop.session(
        till.shop.goods.pack, success_url=SITE + "/paid?session={CHECKOUT_SESSION_ID}"
    )
    paid = await till.press(await till.url_of(session_id), "Pay 5.00 USD", way="PAYS")
    assert paid.status_code == 303
    assert paid.headers["location"] == f"{SITE}/paid?session={session_id}"
    session = await till.shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.payment_status == "paid"


async def test_a_declined_person_can_try_again_or_leave(till: Till) -> None:
    session_id = await till.shop.session(till.shop.goods.gold, cancel_url=f"{SITE}/left?a=1&b=2")
    page = await till.url_of(session_id)
    declined = await till.press(page, "Subscribe", way="DECLINES")
    assert declined.status_code == 402
    assert "Your card was declined." in declined.text
    assert f'href="{SITE}/left?a=1&amp;b=2"' in declined.text
    assert (await till.press(page, "Subscribe", way="PAYS")).status_code == 303


def _told(page: httpx.Response) -> str:
    """The sentence of a page that says what is charged when."""
    return " ".join(re.findall(r"<strong>([^<]*until you cancel\.)</strong>", page.text))


async def test_what_a_subscription_takes_and_when_is_said_before_it_is_paid(till: Till) -> None:
    durations: dict[str, dict[str, str]] = {
        "ONCE": {},
        "ALWAYS": {"duration": "forever"},
        "THRICE": {"duration": "repeating", "duration_in_months": "3"},
    }
    for id_, duration in durations.items():
        create_coupon(till.shop.account, {"id": id_, "percent_off": "50", **duration})
    trial: dict[str, object] = {"subscription_data": {"trial_period_days": 7}}
    said: dict[str, dict[str, object]] = {
        "9.00 USD now, then 9.00 USD a month until you cancel.": {},
        "7 days free, then 9.00 USD a month until you cancel.": trial,
        "4.50 USD now, then 9.00 USD a month until you cancel.": _off("ONCE"),
        "4.50 USD now, then 4.50 USD a month until you cancel.": _off("ALWAYS"),
        "4.50 USD now, then 4.50 USD a month 2 times, then 9.00 USD a month until you cancel.": (
            _off("THRICE")
        ),
        "7 days free, then 4.50 USD a month once, then 9.00 USD a month until you cancel.": {
            **trial, **_off("ONCE"),
        },
    }  # fmt: skip
    for sentence, terms in said.items():
        session_id = await till.shop.session(till.shop.goods.gold, **terms)
        assert _told(await till.browser.get(await till.url_of(session_id))) == sentence
    pack = await till.url_of(await till.shop.session(till.shop.goods.pack))
    assert _told(await till.browser.get(pack)) == ""


def _off(coupon: str) -> dict[str, object]:
    return {"discounts": [{"coupon": coupon}]}


async def test_the_portal_names_the_dates_and_the_amounts(till: Till) -> None:
    subscription = await till.shop.subscribed()
    page = await till.portal()

    async def shown() -> str:
        return (await till.browser.get(page)).text

    assert "The next payment is 9.00 USD, on 24 December 2026, 12:00 UTC." in await shown()
    await till.press(page, "Cancel")
    ends = "It is cancelled. It ends on 24 December 2026, 12:00 UTC, and does not renew."
    assert ends in await shown()
    await till.press(page, "Do not cancel")
    await till.press(page, "Use a card that is declined")
    till.shop.stand_in.advance(31 * DAY)
    assert "It is past due: a payment of 9.00 USD did not go through" in await shown()
    assert "is tried again on 27 December 2026" in await shown()
    await till.shop.stripe.subscriptions.cancel_async(subscription.id)
    assert "It ended on 25 December 2026" in await shown()


async def test_a_promotion_code_is_typed_on_the_page(till: Till) -> None:
    create_coupon(till.shop.account, {"id": "FREE", "percent_off": "100"})
    session_id = await till.shop.session(till.shop.goods.pack, allow_promotion_codes=True)
    page = await till.url_of(session_id)
    wrong = await till.press(page, "Pay 5.00 USD", way="PAYS", code="<b>")
    assert "No such coupon: &#39;&lt;b&gt;&#39;" in wrong.text
    assert (await till.press(page, "Pay 5.00 USD", way="PAYS", code="FREE")).status_code == 303
    session = await till.shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.amount_total == 0


async def test_what_is_paid_later_is_settled_on_the_banks_desk(till: Till) -> None:
    session_id = await till.shop.session(till.shop.goods.pack)
    await till.press(await till.url_of(session_id), "Pay 5.00 USD", way="LATER")
    await till.press("/", "The payment succeeds")
    session = await till.shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.payment_status == "paid"


async def test_the_portal_cancels_resumes_switches_and_changes_the_card(till: Till) -> None:
    subscription = await till.shop.subscribed()
    page = await till.portal()
    await till.press(page, "Cancel")
    assert (await till.shop.subscription(subscription.id)).cancel_at
    await till.press(page, "Do not cancel")
    assert (await till.shop.subscription(subscription.id)).cancel_at is None
    await till.press(page, "Switch to Diamond: 19.00 USD a month")
    switched = await till.shop.subscription(subscription.id)
    assert switched["items"].data[0].price.id == till.shop.goods.diamond
    await till.press(page, "Use a card that is declined")
    till.shop.stand_in.advance(31 * DAY)
    assert (await till.shop.subscription(subscription.id)).status == "past_due"
    assert f'href="{SITE}/me"' in (await till.browser.get(page)).text


async def test_a_portal_touches_its_own_customer_alone(till: Till) -> None:
    subscription = await till.shop.subscribed()
    till.shop.customer = (await till.shop.stripe.customers.create_async({})).id
    page = await till.portal()
    tried = await till.browser.post(page, data={"verb": "cancel", "subscription": subscription.id})
    assert tried.status_code == 400
    assert (await till.shop.subscription(subscription.id)).cancel_at is None


async def test_the_desk_refunds_and_disputes(till: Till) -> None:
    charge = await till.shop.bought()
    await till.press("/", "Refund half")
    await till.press("/", "The refund of 2.50 USD fails")
    await till.press("/", "Open an inquiry")
    await till.press("/", "Escalate the inquiry to a dispute")
    await till.press("/", "The dispute is lost")
    assert (await till.shop.stripe.charges.retrieve_async(charge.id)).amount_refunded == 0
    (dispute,) = (await till.shop.stripe.disputes.list_async({"charge": charge.id})).data
    assert dispute.status == "lost"


async def test_the_clock_is_told_and_moved(till: Till) -> None:
    before = till.shop.account.now
    assert (await till.browser.get("/clock")).json()["now"].startswith("2026-11-24T12:00")
    moved = await till.browser.post("/clock/advance", data={"seconds": str(31 * DAY)})
    assert moved.json()["now"].startswith("2026-12-25T12:00")
    await till.press("/", "Advance 1 day")
    assert till.shop.account.now - before >= 32 * DAY
    for wrong in ("-1", "0", "a day", "9" * 30, ""):
        answer = await till.browser.post("/clock/advance", data={"seconds": wrong})
        assert answer.status_code == 400
    assert till.shop.account.now - before < 33 * DAY


def test_the_clock_goes_on_between_its_ticks(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told in whole seconds, it went back for the service: what was given seemed to come later."""
    readings = [0.25, 0.75, 1.25, 1.5, 3.75]
    passed = iter([0.0, 0.0, *(reading for reading in readings for _ in range(3))])
    monkeypatch.setattr(time, "monotonic", lambda: next(passed))
    running = StandInRunner(stand_in, None, SECRET)
    begun = running.now
    for reading in readings:
        assert (running.now - begun).total_seconds() == reading
        running.catch_up()
        assert (running.now - begun).total_seconds() == reading


async def test_a_reset_over_the_network_is_healed_by_the_sdk(till: Till) -> None:
    till.shop.stand_in.faults.plan(Fault.RESET_AFTER, "POST", "/v1/customers")
    await till.shop.stripe.customers.create_async({})
    assert len(list(till.shop.account.find_all("customer"))) == 2


async def test_a_hang_over_the_network_ends_at_the_callers_time(till: Till) -> None:
    till.shop.stand_in.faults.plan(Fault.TIMEOUT_BEFORE, "GET", "/v1/account")
    with pytest.raises(httpx.ReadTimeout):
        await till.browser.get(
            "/v1/account",
            headers={"Authorization": "Bearer sk_test_1"},
            timeout=httpx.Timeout(PATIENT_SECONDS, read=0.2),
        )


class Site:
    """A webhook endpoint that may refuse some deliveries at first."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.tries = 0
        self.taken: asyncio.Queue[stripe.Event] = asyncio.Queue()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        named = dict(re.findall(r"(?mi)^([\w-]+): (.*?)\r$", head))
        headers = {name.lower(): value for name, value in named.items()}
        body = await reader.readexactly(int(headers["content-length"]))
        self.tries += 1
        if self.tries <= self.refusals:
            writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        else:
            event = stripe.Webhook.construct_event(
                body, headers["stripe-signature"], SECRET, tolerance=FOREVER
            )
            self.taken.put_nowait(event)
            writer.write(b"HTTP/1.1 204 Thanks\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def _listening(site: Site) -> AsyncIterator[str]:
    async with await asyncio.start_server(site.take, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1/webhooks/stripe"


async def test_it_delivers_by_itself_signed_in_order_and_until_taken(stand_in: StandIn) -> None:
    site = Site(refusals=2)
    async with _listening(site) as url, served(stand_in, url):
        shop = Shop(stand_in)
        await shop.open()
        async with httpx.AsyncClient(timeout=PATIENT_SECONDS) as browser:
            await browser.get(f"{stand_in.account.address}/clock")
        async with asyncio.timeout(DELIVERED_WITHIN_SECONDS):
            taken = [(await site.taken.get()).type for _ in shop.told()]
    assert taken == shop.told()
    assert site.tries == len(taken) + site.refusals


async def test_the_clock_answers_when_what_it_brought_about_was_taken(stand_in: StandIn) -> None:
    site = Site(refusals=1)
    async with _listening(site) as url, served(stand_in, url):
        shop = Shop(stand_in)
        await shop.open()
        await shop.subscribed()
        async with httpx.AsyncClient(timeout=DELIVERED_WITHIN_SECONDS) as browser:
            month = {"seconds": str(32 * DAY)}
            moved = await browser.post(f"{stand_in.account.address}/clock/advance", data=month)
        taken = [site.taken.get_nowait().type for _ in range(site.taken.qsize())]
    assert moved.json()["undelivered"] == 0
    assert taken == shop.told()
    assert taken.count("invoice.paid") == 2
