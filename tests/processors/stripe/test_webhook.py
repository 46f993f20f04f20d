"""Whatever is sent to the webhook: Stripe's own is believed once, all else changes nothing."""

from datetime import timedelta

import httpx
import msgspec
import pytest

from paywall.sandbox.stripe import events
from paywall.sandbox.stripe.events import signature_header
from paywall.sandbox.stripe.faults import Fault
from tests.processors.stripe.shop import SECRET, Shop

GARBAGE = [b"[]", b"1", b"", b"null", b"\xff\xfe", b"{" * 10_000, b"[" * 200_000, b'{"id": 1}']


async def send(shop: Shop, payload: bytes, header: str | None) -> httpx.Response:
    headers = [(b"Content-Type", b"application/json")]
    if header is not None:
        headers.append((b"Stripe-Signature", header.encode()))
    return await shop.service.post("/v1/webhooks/stripe", content=payload, headers=headers)


def signed(shop: Shop, payload: bytes, secret: str = SECRET, seconds: float = 0) -> str:
    at = shop.clock.now() + timedelta(seconds=seconds)
    return signature_header(payload, secret, int(at.timestamp()))


@pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: str(payload[:4]))
async def test_signed_garbage_is_refused(shop: Shop, payload: bytes) -> None:
    answer = await send(shop, payload, signed(shop, payload))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/webhook_refused")


async def test_what_is_huge_is_refused_unread(shop: Shop) -> None:
    payload = b" " * (600 * 1024)
    assert (await send(shop, payload, signed(shop, payload))).status_code == 413


@pytest.mark.parametrize(
    "header", [None, "", "t=1", "v1=00", "t=x,v1=y", "t=1,v1=" + "0" * 64, "é" * 3, "," * 9000]
)
async def test_what_is_unsigned_changes_nothing(shop: Shop, header: str | None) -> None:
    await shop.buy(pack_id="six")
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET):
        refused = await send(shop, delivery.payload, header)
        assert refused.status_code == 400
    assert (await shop.me())["unlocks_left"] == 0


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (301, 400), (-299, 200), (-301, 400)])
async def test_a_time_far_ahead_is_as_wrong_as_one_far_back(
    shop: Shop, seconds: int, status: int
) -> None:
    await shop.open(pack_id="six")
    payload = events.drain_deliveries(shop.stand_in.account, SECRET)[0].payload
    answer = await send(shop, payload, signed(shop, payload, seconds=seconds))
    assert answer.status_code == status


async def test_both_secrets_are_taken_while_they_are_rotated(shop: Shop) -> None:
    await shop.open(pack_id="six")
    payload = events.drain_deliveries(shop.stand_in.account, SECRET)[0].payload
    for secret, status in ((SECRET, 200), ("whsec_of_before", 200), ("whsec_other", 400)):
        assert (await send(shop, payload, signed(shop, payload, secret))).status_code == status


@pytest.mark.parametrize("change", [{"livemode": True}, {"account": "acct_other"}])
async def test_another_mode_or_account_is_refused(shop: Shop, change: dict[str, object]) -> None:
    await shop.buy(pack_id="six")
    for delivery in events.drain_deliveries(shop.stand_in.account, SECRET):
        payload = msgspec.json.encode({**msgspec.json.decode(delivery.payload), **change})
        assert (await send(shop, payload, signed(shop, payload))).status_code == 400
    assert (await shop.me())["unlocks_left"] == 0


async def test_an_event_is_taken_in_once_however_often_it_comes(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    deliveries = events.drain_deliveries(shop.stand_in.account, SECRET)
    for delivery in deliveries * 2:
        assert (await shop.send(delivery)).status_code == 200
    asked = len(shop.stand_in.requests)
    for delivery in deliveries:
        assert (await shop.send(delivery)).status_code == 200
    assert len(shop.stand_in.requests) == asked
    assert (await shop.me())["unlocks_left"] == 6


async def test_an_event_whose_object_cannot_be_fetched_is_sent_again(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    shop.stand_in.faults.plan(
        Fault.SERVER_ERROR_BEFORE, "GET", r"/v1/checkout/sessions/.*", times=3
    )
    deliveries = events.drain_deliveries(shop.stand_in.account, SECRET)
    statuses = [(await shop.send(item)).status_code for item in deliveries]
    assert 503 in statuses
    assert (await shop.me())["unlocks_left"] == 0
    assert {(await shop.send(item)).status_code for item in deliveries} == {200}
    assert (await shop.me())["unlocks_left"] == 6
