"""The stand-in's state survives a restart."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from paywall.sandbox.stripe.events import drain_deliveries
from paywall.sandbox.stripe.portal import portal_switch
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.sandbox.stripe.state_file import load_state, save_state
from tests.conftest import PATIENT_SECONDS
from tests.postgres import free_port
from tests.processes import environment
from tests.sandbox.stripe.sdk_contract import SdkContract
from tests.sandbox.stripe.shop import DAY, START, Shop

KEY = {"Authorization": "Bearer sk_test_1", "Idempotency-Key": "k"}
READY_WITHIN_SECONDS = 30


async def test_a_restored_account_continues_like_the_original(
    shop: Shop, sdk: SdkContract, tmp_path: Path
) -> None:
    subscription = await shop.subscribe()
    item = subscription["items"].data[0].id
    await shop.change(subscription.id, items=[{"id": item, "price": shop.prices.diamond}])
    left_open = await shop.session(shop.prices.pack)
    save_state(shop.stand_in, tmp_path / "stripe.json")
    again = Shop(StandIn(START, inspector=sdk))
    load_state(again.stand_in, tmp_path / "stripe.json")
    again.prices, again.customer = shop.prices, shop.customer
    for copy in (shop, again):
        await copy.pay(left_open)
        portal_switch(copy.account, subscription.id, copy.prices.gold)
        copy.stand_in.advance(70 * DAY)
    assert again.account.objects == shop.account.objects
    assert drain_deliveries(again.account, "whsec_x") == drain_deliveries(shop.account, "whsec_x")


def test_the_command_continues_from_its_state_file(tmp_path: Path) -> None:
    file = tmp_path / "stripe.json"
    with _running(file) as client:
        first = client.post("/v1/customers").json()
        client.post("/clock/advance", data={"seconds": str(DAY // 2)})
        then = client.get("/clock").json()["now"]
    with _running(file) as client:
        found = client.get(f"/v1/customers/{first['id']}").json()
        replayed = client.post("/v1/customers")
        now = client.get("/clock").json()["now"]
    assert found == replayed.json() == first
    assert replayed.headers["idempotent-replayed"] == "true"
    assert now >= then


@contextmanager
def _running(file: Path) -> Iterator[httpx.Client]:
    """`python -m paywall.sandbox.stripe`, ready, and stopped at the end."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "paywall.sandbox.stripe", "--port", str(port), "--file", str(file)],
        env=environment(), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    client = httpx.Client(base_url=address, headers=KEY, timeout=PATIENT_SECONDS)
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    try:
        while not _is_up(client):
            assert process.poll() is None, "it has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield client
    finally:
        client.close()
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/clock").is_success
    except httpx.TransportError:
        return False
