"""Two clicks at once, or one that comes again: a reader never has two pages to subscribe by."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from sqlmodel import func, select

from paywall.database.tables import Checkout
from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.conftest import IS_LONG
from tests.processors.stripe.shop import RETURN_URL, Shop

ROUNDS = 8 if IS_LONG else 3
USD = {"plan_id": "monthly", "currency": "usd"}
OTHERS = {
    "currency": {"plan_id": "monthly", "currency": "khr"},
    "plan": {"plan_id": "yearly", "currency": "usd"},
    "return_address": {**USD, "return_url": "https://news.example/else"},
}
WISH = {"return_url": RETURN_URL, **USD}
PAGES = "/v1/checkout/sessions"
# After these no retry of the SDK's is told of a page.
UNTOLD = [
    Fault.RATE_LIMITED,
    Fault.SERVER_ERROR_BEFORE,
    Fault.SERVER_ERROR_AFTER,
    Fault.TIMEOUT_BEFORE,
]


class Slow(InProcessClient):
    """A way to Stripe on which other requests go on; `before_page` happens before one is made."""

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(stand_in, timeout_seconds=0.05)
        self.before_page: Callable[[], Awaitable[None]] | None = None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        await asyncio.sleep(0)
        makes_page = method.lower() == "post" and url.endswith(PAGES)
        if makes_page and self.before_page is not None:
            happens, self.before_page = self.before_page, None
            await happens()
        answer = await super().request_async(method, url, headers, post_data)
        await asyncio.sleep(0)
        return answer


@pytest.fixture
def slow(stand_in: StandIn) -> Slow:
    return Slow(stand_in)


@pytest.fixture
def stripe_client(settings: Settings, slow: Slow) -> StripeClient:
    return StripeClient(settings, slow)


def open_pages(shop: Shop) -> list[dict[str, Any]]:
    """Where a reader could subscribe now."""
    sessions = shop.stand_in.account.find_all("checkout.session")
    return [item for item in sessions if (item["mode"], item["status"]) == ("subscription", "open")]


async def checkouts_of(shop: Shop, reader: str) -> int:
    mine = select(func.count()).select_from(Checkout).where(Checkout.reader_id == reader)
    async with shop.database.reading() as session:
        return (await session.exec(mine)).one()


def hold_one_page(shop: Shop, *answers: httpx.Response) -> None:
    """One page is open, and whoever was told of a page that is open was told of that one."""
    assert {item.status_code for item in answers} <= {200, 201, 409}, [a.text for a in answers]
    (page,) = open_pages(shop)
    assert page["url"] in {item.json().get("url") for item in answers if item.is_success}


@pytest.mark.parametrize("is_known", [True, False], ids=["has_customer", "has_no_customer"])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
async def test_two_requests_at_once_leave_one_page_open(
    shop: Shop, other: dict[str, str], *, is_known: bool
) -> None:
    for round_ in range(ROUNDS):
        reader = f"r{round_}"
        if is_known:
            await shop.open(reader, pack_id="six")
        answers = await asyncio.gather(shop.open(reader, **USD), shop.open(reader, **other))
        hold_one_page(shop, *answers)
        (page,) = open_pages(shop)
        shop.pay(page["id"])
        await shop.deliver_events()
        assert len((await shop.me(reader))["subscriptions"]) == 1


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
async def test_a_page_that_is_being_made_is_waited_for_and_closed(
    shop: Shop, slow: Slow, other: dict[str, str]
) -> None:
    await shop.open(pack_id="six")
    second = list[asyncio.Task[httpx.Response]]()

    async def another_wish() -> None:
        second.append(asyncio.create_task(shop.open(**other)))
        await asyncio.wait(second, timeout=0.5)

    slow.before_page = another_wish
    first = await shop.open(**USD)
    hold_one_page(shop, first, await second[0])
    assert [first.status_code, second[0].result().status_code] == [201, 201]


async def test_several_requests_at_once_leave_one_page_open_and_end(shop: Shop) -> None:
    for round_ in range(ROUNDS):
        reader = f"r{round_}"
        requests = [USD, *OTHERS.values()]
        answers = await asyncio.gather(*(shop.open(reader, **request) for request in requests))
        hold_one_page(shop, *answers)
        assert await checkouts_of(shop, reader) <= len(requests), "They close each other again."
        shop.pay(open_pages(shop)[0]["id"])


async def test_a_page_created_after_its_checkout_was_dropped_is_never_shown(
    shop: Shop, slow: Slow
) -> None:
    """The first asker is so slow that another took it for gone: the later wish stands."""
    await shop.open(pack_id="six")
    later = list[httpx.Response]()

    async def another_wish() -> None:
        shop.move(days=13 / 86_400)
        later.append(await shop.open(**OTHERS["plan"]))

    slow.before_page = another_wish
    first = await shop.open(**USD)
    hold_one_page(shop, first, *later)
    assert later[0].status_code == 201
    assert (first.status_code, first.json()["type"]) == (409, "/problems/checkout_closed")


async def begin_by_key(shop: Shop, fault: Fault) -> None:
    """The page may be there, and nobody was told of it."""
    for method in ("POST", "GET"):
        shop.stand_in.faults.plan(fault, method, PAGES, times=3)
    failed = await shop.post("checkout", key="button", **WISH)
    assert failed.status_code == 503, failed.text
    shop.stand_in.faults.planned.clear()


@pytest.mark.parametrize("fault", UNTOLD, ids=lambda fault: fault.name.lower())
async def test_a_key_whose_checkout_another_request_closed_opens_a_new_one(
    shop: Shop, fault: Fault
) -> None:
    for _ in range(2):
        await begin_by_key(shop, fault)
        other = await shop.open(**OTHERS["plan"])
        assert other.status_code == 201, other.text
    again = await shop.post("checkout", key="button", **WISH)
    assert again.status_code == 201, again.text
    hold_one_page(shop, again)
    repeat = await shop.post("checkout", key="button", **WISH)
    assert repeat.json() == again.json()


@pytest.mark.parametrize("later", [False, True], ids=["paid", "processing"])
async def test_a_key_whose_checkout_was_paid_leads_to_the_return_address(
    shop: Shop, *, later: bool
) -> None:
    await begin_by_key(shop, Fault.SERVER_ERROR_BEFORE)
    page = await shop.buy(later=later, plan_id="monthly", currency="usd")
    again = await shop.post("checkout", key="button", **WISH)
    assert again.status_code == 200, again.text
    expected = {"id": page["id"], "url": RETURN_URL, "processor": "stripe", "khqr": None}
    assert again.json() == expected
    assert open_pages(shop) == []
    shown = await shop.checkout(page["id"])
    assert shown["status"] == ("processing" if later else "paid")


async def test_a_key_is_new_again_after_a_day_though_it_bought_something(shop: Shop) -> None:
    request = {"return_url": RETURN_URL, "pack_id": "six"}
    first = await shop.post("checkout", key="button", **request)
    shop.pay(first.json()["url"].rpartition("/")[2])
    await shop.deliver_events()
    shop.move(days=1.1)
    again = await shop.post("checkout", key="button", **request)
    assert again.status_code == 201, again.text
    assert again.json()["id"] != first.json()["id"]
    assert again.json()["url"].startswith("http://stripe")


async def test_a_key_that_is_new_again_has_no_answer_of_before(shop: Shop) -> None:
    """Another wish is closed first: by then the key is claimed, and not answered yet."""
    first = await shop.post("checkout", key="button", **WISH)
    shop.move(days=1.1)
    await shop.open(**OTHERS["plan"])
    again = await shop.post("checkout", key="button", **WISH)
    assert again.status_code == 201, again.text
    assert again.json()["id"] != first.json()["id"]
    hold_one_page(shop, again)


async def test_a_repeat_finds_what_it_ended_though_nothing_renews_any_more(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    await shop.deliver_events()
    faults = shop.stand_in.faults
    faults.plan(Fault.SERVER_ERROR_BEFORE, "GET", "/v1/subscriptions/.*", times=3)
    lost = await shop.post("subscription/cancel", key="button", when="now")
    assert lost.status_code == 503, lost.text
    # The webhook is first to record what Stripe did.
    await shop.deliver_events()
    shop.move(days=1 / 1440)
    repeat = await shop.post("subscription/cancel", key="button", when="now")
    assert repeat.status_code == 200, repeat.text
    again = await shop.post("subscription/cancel", key="button", when="now")
    assert again.json() == repeat.json()
    other = await shop.post("subscription/cancel", key="another", when="now")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/no_subscription")
