"""Whatever goes wrong on the way to Stripe: what is told is true, and both agree in the end."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile
from paywall.sandbox.stripe.api_messages import StandInRequest
from paywall.sandbox.stripe.faults import Fault
from paywall.settings import Settings
from tests.conftest import IS_LONG
from tests.processors.stripe.shop import Shop

# The gateway's: the first, and two more.
TRIES = 3
Endpoint = Callable[[Shop], Awaitable[httpx.Response]]


async def buy_pack(shop: Shop) -> httpx.Response:
    return await shop.open("bo", pack_id="six")


async def buy_plan(shop: Shop) -> httpx.Response:
    return await shop.open("bo", plan_id="monthly")


async def switch_plan_page(shop: Shop) -> httpx.Response:
    """Bo has a page open for one plan, and wants another."""
    return await shop.open("cy", plan_id="yearly")


async def cancel(shop: Shop) -> httpx.Response:
    return await shop.post("subscription/cancel", when="period_end")


async def cancel_now(shop: Shop) -> httpx.Response:
    return await shop.post("subscription/cancel", when="now")


async def resume(shop: Shop) -> httpx.Response:
    return await shop.post("subscription/resume", "dy")


async def portal(shop: Shop) -> httpx.Response:
    return await shop.post("billing-portal")


async def erase(shop: Shop) -> httpx.Response:
    return await shop.service.delete("/v1/subscribers/ann", headers=shop.bearer.site())


ENDPOINTS = [buy_pack, buy_plan, switch_plan_page, cancel, cancel_now, resume, portal, erase]
# Each case is met on one database: a third, with each endpoint and each fault, on PostgreSQL.
CASES = [
    (kind, endpoint, fault)
    for m, endpoint in enumerate(ENDPOINTS)
    for n, fault in enumerate(Fault)
    for kind in ("sqlite", "postgresql")
    if (kind == "postgresql") == ((m + n) % 3 == 0) or IS_LONG
]


def _name_of(value: object) -> str:
    if isinstance(value, Fault):
        return value.name.lower()
    return str(getattr(value, "__name__", value))


async def prepare(shop: Shop, endpoint: Endpoint) -> None:
    """Ann is a subscriber; where it is about them, dy has cancelled, or cy has a page open."""
    await shop.buy("ann", plan_id="monthly")
    if endpoint is resume:
        await shop.buy("dy", plan_id="monthly")
        await shop.deliver_events()
        assert (await shop.post("subscription/cancel", "dy", when="period_end")).is_success
    if endpoint is switch_plan_page:
        assert (await shop.open("cy", plan_id="monthly")).status_code == 201
    await shop.deliver_events()


def in_stripe(shop: Shop) -> set[tuple[str, str, bool]]:
    """What goes on being billed, and which pages are open."""
    account = shop.stand_in.account
    return {
        (s["id"], s["status"], s["cancel_at_period_end"]) for s in account.find_all("subscription")
    } | {
        (s["client_reference_id"], s["status"], False) for s in account.find_all("checkout.session")
    }


async def shown(shop: Shop) -> set[tuple[str, str, bool]]:
    everything = set()
    for reader in ("ann", "bo", "cy", "dy"):
        for subscription in (await shop.me(reader))["subscriptions"]:
            ends = subscription["cancel_at_period_end"] and subscription["status"] != "canceled"
            everything.add((subscription["id"], subscription["status"], ends))
    return everything


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_kind", "endpoint", "fault"), CASES, indirect=["database_kind"], ids=_name_of
)
async def test_a_fault_at_any_call_is_reported_and_remedied(
    shop: Shop, settings: Settings, endpoint: Endpoint, fault: Fault
) -> None:
    """Each call in turn fails as often as it is tried; then the same is asked once more."""
    await prepare(shop, endpoint)
    place, was_met = 0, True
    while was_met:
        with failing_at(shop, fault, place) as met:
            answer = await endpoint(shop)
        assert answer.status_code in (200, 201, 204, 409, 503), answer.text
        _only_what_is_known(shop, answer, endpoint)
        place, was_met = place + 1, bool(met)
    done = await endpoint(shop)
    assert done.status_code in (200, 201, 204, 409), done.text
    await shop.deliver_events()
    assert await reconcile(StripeContext(shop.database, shop.stripe_client, settings)) is not None
    billed = {row for row in in_stripe(shop) if row[0].startswith("sub_")}
    if endpoint is not erase:
        assert await shown(shop) == billed


@contextmanager
def failing_at(shop: Shop, fault: Fault, place: int) -> Iterator[list[StandInRequest]]:
    """Let the call at this place fail, and its retries; in the list is each that failed."""
    begun, met, faults = len(shop.stand_in.requests), list[StandInRequest](), shop.stand_in.faults
    usual = faults.take_for

    def take_for(request: StandInRequest) -> Fault | None:
        is_first = len(shop.stand_in.requests) - begun - 1 == place
        is_retry = bool(met) and len(met) < TRIES and request[:3] == met[0][:3]
        if is_first or is_retry:
            met.append(request)
            return fault
        return None

    faults.take_for = take_for  # type: ignore[method-assign]  # the stand-in's own faults, by place
    yield met
    faults.take_for = usual  # type: ignore[method-assign]  # as before


def _only_what_is_known(shop: Shop, answer: httpx.Response, endpoint: Endpoint) -> None:
    """A success is never told of what Stripe does not have."""
    if not answer.is_success:
        return
    subscriptions: list[dict[str, Any]] = list(shop.stand_in.account.find_all("subscription"))
    ann, dy = subscriptions[0], subscriptions[-1]
    if endpoint is cancel:
        assert ann["cancel_at_period_end"]
    if endpoint in (cancel_now, erase):
        assert ann["status"] == "canceled"
    if endpoint is resume:
        assert not dy["cancel_at_period_end"]
