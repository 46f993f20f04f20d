"""The newspaper and the service, both over HTTP, with a clock that the test moves."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from paywall.app import create_app
from paywall.sandbox.prepare import Sandbox, prepare
from paywall.sandbox.site.app import newspaper
from paywall.sandbox.site.publisher import Publisher
from paywall.sandbox.site.server import address_of, listening, served
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, SetClock

HOST = "127.0.0.1"


class Press:
    """One newspaper with its readers ann (3 credits), bo (none) and chan (a subscription)."""

    def __init__(self, paper: str, service: str, clock: SetClock, sandbox: Sandbox) -> None:
        self.paper = paper
        self.service = service
        self.clock = clock
        headers = {"Authorization": f"Bearer {sandbox.site_token}"}
        self._site = httpx.Client(base_url=service, headers=headers, timeout=PATIENT_SECONDS)

    def tell(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """What the publisher's server does by itself."""
        answer = self._site.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def unlocks_left(self, reader_id: str) -> int:
        return int(self.tell("GET", f"/v1/subscribers/{reader_id}")["unlocks_left"])

    def sell_pack(self, reader_id: str, reference: str) -> None:
        """Five credits, paid for by the site's own means."""
        self.tell(
            "POST", "/v1/purchases",
            reader_id=reader_id, processor="khqr", reference=reference,
            pack_id="five", amount_paid=800_000, currency="khr",
        )  # fmt: skip

    def subscribe(self, reader_id: str, days: int) -> None:
        until = self.clock.now().timestamp() + days * 86_400
        end = datetime.fromtimestamp(until, UTC).isoformat()
        self.tell("PUT", f"/v1/subscribers/{reader_id}/subscription", current_period_end=end)

    def price(self, article_id: str, unlock_cost: int) -> None:
        self.tell(
            "PUT", f"/v1/articles/{article_id}",
            title="The rice bank opens its books", policy="premium",
            unlock_cost=unlock_cost, url=f"{self.paper}/{article_id}", language="en",
        )  # fmt: skip

    def close(self) -> None:
        self._site.close()


@contextmanager
def printing(folder: Path) -> Iterator[Press]:
    """A newspaper of its own, in this folder."""
    clock = SetClock(datetime.now(UTC))
    with listening(HOST, 0) as paper, socket.create_server((HOST, 0)) as service:
        settings = Settings(
            data_dir=str(folder / "var"),
            allowed_origins=[address_of(paper)],
            request_timeout_seconds=PATIENT_SECONDS,
        )
        # Playwright keeps a loop of its own in this thread, and one is all that a thread can have.
        with ThreadPoolExecutor(1) as thread:
            preparing = prepare(settings, address_of(paper))
            sandbox = thread.submit(asyncio.run, preparing).result()
        publisher = Publisher(address_of(service), sandbox.paper_token)
        with (
            served(create_app(settings, clock), service),
            served(newspaper(publisher), paper),
        ):
            press = Press(address_of(paper), address_of(service), clock, sandbox)
            yield press
            press.close()
