"""The stand-in over HTTP: the API, the pages, the clock and deliveries."""

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
from tests.sandbox.stripe.shop import DAY, SITE, Shop
from tests.sandbox.stripe.stand_in_server import SECRET, serve_stand_in
from tests.sandbox.stripe.test_events import TOLERANCE_SECONDS

NOT_STRIPE = "This is not Stripe. No money moves."
DELIVERED_WITHIN_SECONDS = 20

# The SDK hands httpx its form by a parameter that httpx wants to be rid of.
pytestmark = pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")


class ShopServer:
    """A shop whose stand-in is served over HTTP, with a client that presses buttons."""

    def __init__(self, shop: Shop, running: StandInRunner, browser: httpx.AsyncClient) -> None:
        self.shop = shop
        self.running = running
        self.browser = browser

    async def press(self, page: str, text: str, **typed: str) -> httpx.Response:
        """Submit the form of the button with this text, with its hidden fields."""
        shown = (await self.browser.get(page)).text
        for form in re.findall(r"<form.*?</form>", shown, re.DOTALL):
            if f"<button>{text}</button>" in unescape(form):
                action = re.search(r'action="([^"]*)"', form)
                hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
                where = httpx.URL(page).join(action.group(1)) if action else page
                return await self.browser.post(where, data={**hidden, **typed})
        raise AssertionError(f"No button {text!r}: {shown}")

    async def url_of(self, session_id: str) -> str:
        session = await self.shop.stripe.checkout.sessions.retrieve_async(session_id)
        return str(session.url)

    async def portal(self) -> str:
        session = await self.shop.stripe.billing_portal.sessions.create_async(
            {"customer": self.shop.customer, "return_url": f"{SITE}/me"}
        )
        return session.url


@pytest.fixture
async def server(stand_in: StandIn) -> AsyncIterator[ShopServer]:
    async with (
        serve_stand_in(stand_in) as running,
        httpx.AsyncClient(timeout=PATIENT_SECONDS) as browser,
    ):
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
        yield ShopServer(shop, running, browser)
        await http.close_async()  # type: ignore[no-untyped-call]  # the SDK's


async def test_every_page_says_that_it_is_not_stripe(server: ShopServer) -> None:
    checkout = await server.url_of(await server.shop.session(server.shop.prices.gold))
    for address in (checkout, await server.portal(), "/", "/checkout/none", "/portal/none"):
        page = await server.browser.get(address)
        assert NOT_STRIPE in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_product_names_are_escaped_on_every_page(server: ShopServer) -> None:
    for product in server.shop.account.find_all("product"):
        await server.shop.stripe.products.update_async(product["id"], {"name": "<b>Gold</b>"})
    checkout = await server.url_of(await server.shop.session(server.shop.prices.gold))
    await server.shop.subscribe()
    for address in (checkout, await server.portal()):
        shown = (await server.browser.get(address)).text
        assert "&lt;b&gt;Gold&lt;/b&gt;" in shown
        assert "<b>Gold" not in shown


async def test_paying_redirects_to_the_success_url(server: ShopServer) -> None:
    session_id = await server.shop.session(
        server.shop.prices.pack, success_url=SITE + "/paid?session={CHECKOUT_SESSION_ID}"
    )
    paid = await server.press(await server.url_of(session_id), "Pay 5.00 USD", way="PAYS")
    assert paid.status_code == 303
    assert paid.headers["location"] == f"{SITE}/paid?session={session_id}"
    session = await server.shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.payment_status == "paid"


async def test_after_a_decline_the_payer_can_retry_or_leave(server: ShopServer) -> None:
    session_id = await server.shop.session(
        server.shop.prices.gold, cancel_url=f"{SITE}/left?a=1&b=2"
    )
    page = await server.url_of(session_id)
    declined = await server.press(page, "Subscribe", way="DECLINES")
    assert declined.status_code == 402
    assert "Your card was declined." in declined.text
    assert f'href="{SITE}/left?a=1&amp;b=2"' in declined.text
    assert (await server.press(page, "Subscribe", way="PAYS")).status_code == 303


def _charges(page: httpx.Response) -> str:
    """The sentence of the page that states what is charged when."""
    return " ".join(re.findall(r"<strong>([^<]*until you cancel\.)</strong>", page.text))


async def test_checkout_states_what_a_subscription_charges_and_when(server: ShopServer) -> None:
    durations: dict[str, dict[str, str]] = {
        "ONCE": {},
        "ALWAYS": {"duration": "forever"},
        "THRICE": {"duration": "repeating", "duration_in_months": "3"},
    }
    for id_, duration in durations.items():
        create_coupon(server.shop.account, {"id": id_, "percent_off": "50", **duration})
    trial: dict[str, object] = {"subscription_data": {"trial_period_days": 7}}
    sentences: dict[str, dict[str, object]] = {
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
    for sentence, terms in sentences.items():
        session_id = await server.shop.session(server.shop.prices.gold, **terms)
        assert _charges(await server.browser.get(await server.url_of(session_id))) == sentence
    pack = await server.url_of(await server.shop.session(server.shop.prices.pack))
    assert _charges(await server.browser.get(pack)) == ""


def _off(coupon: str) -> dict[str, object]:
    return {"discounts": [{"coupon": coupon}]}


async def test_the_portal_shows_dates_and_amounts(server: ShopServer) -> None:
    subscription = await server.shop.subscribe()
    page = await server.portal()

    async def shown() -> str:
        return (await server.browser.get(page)).text

    assert "The next payment is 9.00 USD, on 24 December 2026, 12:00 UTC." in await shown()
    await server.press(page, "Cancel")
    ends = "It is cancelled. It ends on 24 December 2026, 12:00 UTC, and does not renew."
    assert ends in await shown()
    await server.press(page, "Do not cancel")
    await server.press(page, "Use a card that is declined")
    server.shop.stand_in.advance(31 * DAY)
    assert "It is past due: a payment of 9.00 USD did not go through" in await shown()
    assert "is tried again on 27 December 2026" in await shown()
    await server.shop.stripe.subscriptions.cancel_async(subscription.id)
    assert "It ended on 25 December 2026" in await shown()


async def test_the_checkout_page_accepts_promotion_codes(server: ShopServer) -> None:
    create_coupon(server.shop.account, {"id": "FREE", "percent_off": "100"})
    session_id = await server.shop.session(server.shop.prices.pack, allow_promotion_codes=True)
    page = await server.url_of(session_id)
    wrong = await server.press(page, "Pay 5.00 USD", way="PAYS", code="<b>")
    assert "No such coupon: &#39;&lt;b&gt;&#39;" in wrong.text
    assert (await server.press(page, "Pay 5.00 USD", way="PAYS", code="FREE")).status_code == 303
    session = await server.shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.amount_total == 0


async def test_a_delayed_payment_is_settled_on_the_dashboard(server: ShopServer) -> None:
    session_id = await server.shop.session(server.shop.prices.pack)
    await server.press(await server.url_of(session_id), "Pay 5.00 USD", way="LATER")
    await server.press("/", "The payment succeeds")
    session = await server.shop.stripe.checkout.sessions.retrieve_async(session_id)
    assert session.payment_status == "paid"


async def test_the_portal_cancels_resumes_switches_and_changes_the_card(server: ShopServer) -> None:
    subscription = await server.shop.subscribe()
    page = await server.portal()
    await server.press(page, "Cancel")
    assert (await server.shop.subscription(subscription.id)).cancel_at
    await server.press(page, "Do not cancel")
    assert (await server.shop.subscription(subscription.id)).cancel_at is None
    await server.press(page, "Switch to Diamond: 19.00 USD a month")
    switched = await server.shop.subscription(subscription.id)
    assert switched["items"].data[0].price.id == server.shop.prices.diamond
    await server.press(page, "Use a card that is declined")
    server.shop.stand_in.advance(31 * DAY)
    assert (await server.shop.subscription(subscription.id)).status == "past_due"
    assert f'href="{SITE}/me"' in (await server.browser.get(page)).text


async def test_a_portal_session_changes_its_own_customer_alone(server: ShopServer) -> None:
    subscription = await server.shop.subscribe()
    server.shop.customer = (await server.shop.stripe.customers.create_async({})).id
    page = await server.portal()
    tried = await server.browser.post(
        page, data={"verb": "cancel", "subscription": subscription.id}
    )
    assert tried.status_code == 400
    assert (await server.shop.subscription(subscription.id)).cancel_at is None


async def test_the_dashboard_refunds_and_disputes(server: ShopServer) -> None:
    charge = await server.shop.buy_pack()
    await server.press("/", "Refund half")
    await server.press("/", "The refund of 2.50 USD fails")
    await server.press("/", "Open an inquiry")
    await server.press("/", "Escalate the inquiry to a dispute")
    await server.press("/", "The dispute is lost")
    assert (await server.shop.stripe.charges.retrieve_async(charge.id)).amount_refunded == 0
    (dispute,) = (await server.shop.stripe.disputes.list_async({"charge": charge.id})).data
    assert dispute.status == "lost"


async def test_the_dashboard_sets_a_quantity(server: ShopServer) -> None:
    subscription = await server.shop.subscribe()
    for button, quantity in (("Set the quantity to 3", 3), ("Set the quantity to 1", 1)):
        await server.press("/", button)
        changed = await server.shop.subscription(subscription.id)
        assert changed["items"].data[0].quantity == quantity
    await server.press("/", "Set the quantity to 2")
    await server.shop.stripe.subscriptions.cancel_async(subscription.id)
    assert "Set the quantity" not in (await server.browser.get("/")).text


async def test_the_clock_can_be_read_and_moved(server: ShopServer) -> None:
    before = server.shop.account.now
    assert (await server.browser.get("/clock")).json()["now"].startswith("2026-11-24T12:00")
    moved = await server.browser.post("/clock/advance", data={"seconds": str(31 * DAY)})
    assert moved.json()["now"].startswith("2026-12-25T12:00")
    await server.press("/", "Advance 1 day")
    assert server.shop.account.now - before >= 32 * DAY
    for wrong in ("-1", "0", "a day", "9" * 30, ""):
        answer = await server.browser.post("/clock/advance", data={"seconds": wrong})
        assert answer.status_code == 400
    assert server.shop.account.now - before < 33 * DAY


def test_the_clock_moves_between_its_ticks(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whole seconds it once stepped back: a grant seemed to be in the service's future."""
    readings = [0.25, 0.75, 1.25, 1.5, 3.75]
    passed = iter([0.0, 0.0, *(reading for reading in readings for _ in range(3))])
    monkeypatch.setattr(time, "monotonic", lambda: next(passed))
    running = StandInRunner(stand_in, None, SECRET)
    begun = running.now
    for reading in readings:
        assert (running.now - begun).total_seconds() == reading
        running.catch_up()
        assert (running.now - begun).total_seconds() == reading


async def test_the_sdk_retries_after_a_reset_connection(server: ShopServer) -> None:
    server.shop.stand_in.faults.plan(Fault.RESET_AFTER, "POST", "/v1/customers")
    await server.shop.stripe.customers.create_async({})
    assert len(list(server.shop.account.find_all("customer"))) == 2


async def test_a_call_without_a_response_ends_at_the_clients_timeout(server: ShopServer) -> None:
    server.shop.stand_in.faults.plan(Fault.TIMEOUT_BEFORE, "GET", "/v1/account")
    with pytest.raises(httpx.ReadTimeout):
        await server.browser.get(
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
                body, headers["stripe-signature"], SECRET, tolerance=TOLERANCE_SECONDS
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


async def test_events_are_redelivered_in_order_until_accepted(stand_in: StandIn) -> None:
    site = Site(refusals=2)
    async with _listening(site) as url, serve_stand_in(stand_in, url):
        shop = Shop(stand_in)
        await shop.open()
        async with httpx.AsyncClient(timeout=PATIENT_SECONDS) as browser:
            await browser.get(f"{stand_in.account.address}/clock")
        async with asyncio.timeout(DELIVERED_WITHIN_SECONDS):
            taken = [(await site.taken.get()).type for _ in shop.event_types()]
    assert taken == shop.event_types()
    assert site.tries == len(taken) + site.refusals


async def test_advancing_the_clock_responds_after_delivery(stand_in: StandIn) -> None:
    site = Site(refusals=1)
    async with _listening(site) as url, serve_stand_in(stand_in, url):
        shop = Shop(stand_in)
        await shop.open()
        await shop.subscribe()
        async with httpx.AsyncClient(timeout=DELIVERED_WITHIN_SECONDS) as browser:
            month = {"seconds": str(32 * DAY)}
            moved = await browser.post(f"{stand_in.account.address}/clock/advance", data=month)
        taken = [site.taken.get_nowait().type for _ in range(site.taken.qsize())]
    assert moved.json()["undelivered"] == 0
    assert taken == shop.event_types()
    assert taken.count("invoice.paid") == 2
