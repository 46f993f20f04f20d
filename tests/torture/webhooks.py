"""Delivers Stripe's events late, twice, out of order and not at all, with forged ones between."""

import asyncio
import time
from collections.abc import Iterable
from random import Random

import httpx

from paywall.sandbox.stripe.events import sign_event, signature_header
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.stand_in import StandIn
from tests.torture.caller import ONLY_503
from tests.torture.journal import Journal

SECRET = "whsec_test"
REFUSED = "a forged event is refused"
POLL_SECONDS = 0.1
DROPPED, LATE, REPEATED, FORGED = 0.1, 0.2, 0.3, 0.1
LATE_SECONDS = 8.0
# Stripe's signatures are good for five minutes.
OLD_SECONDS = 600
REPEAT_AFTER_SECONDS = 0.3
TIMEOUT_SECONDS = 15


class Deliveries:
    """Everything that Stripe has to tell; `dropped` is only in its list of events."""

    def __init__(self, stand_in: StandIn, address: str, journal: Journal, chance: Random) -> None:
        self._account = stand_in.account
        self._journal = journal
        self._chance = chance
        self._url = f"{address}/v1/webhooks/stripe"
        self._sending: set[asyncio.Task[None]] = set()
        self.dropped = 0

    async def run(self, ending: asyncio.Event) -> None:
        """Until the end, and then until all that was sent is accepted."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            while not ending.is_set() or self._sending:
                waiting, self._account.undelivered[:] = list(self._account.undelivered), []
                for event in waiting:
                    self._plan(http, event)
                await asyncio.sleep(POLL_SECONDS)
                for task in [task for task in self._sending if task.done()]:
                    self._sending.remove(task)
                    task.result()

    def _plan(self, http: httpx.AsyncClient, event: Json) -> None:
        if self._chance.random() < DROPPED:
            self.dropped += 1
            return
        times = 2 if self._chance.random() < REPEATED else 1
        for _ in range(times):
            is_late = self._chance.random() < LATE
            wait_seconds = self._chance.uniform(0, LATE_SECONDS) if is_late else 0.0
            self._sending.add(asyncio.create_task(self._send(http, event, wait_seconds)))
        if self._chance.random() < FORGED:
            self._sending.add(asyncio.create_task(self._forge(http, event)))

    async def _send(self, http: httpx.AsyncClient, event: Json, wait_seconds: float) -> None:
        await asyncio.sleep(wait_seconds)
        while True:
            delivery = sign_event(event, SECRET, int(time.time()))
            status = await self._post(http, delivery.payload, delivery.headers)
            if status == httpx.codes.OK:
                self._journal.events.append(event["id"])
                return
            if status not in (None, httpx.codes.SERVICE_UNAVAILABLE):
                self._journal.check(ONLY_503, holds=False, detail=f"webhook: {status}")
                return
            await asyncio.sleep(REPEAT_AFTER_SECONDS)

    async def _forge(self, http: httpx.AsyncClient, event: Json) -> None:
        """Signed with another secret, changed after it was signed, or long ago."""
        delivery = sign_event(event, SECRET, int(time.time()))
        old = signature_header(delivery.payload, SECRET, int(time.time()) - OLD_SECONDS)
        forged = self._chance.choice(
            [
                (
                    delivery.payload,
                    signature_header(delivery.payload, "whsec_other", int(time.time())),
                ),
                (delivery.payload + b" ", delivery.headers["Stripe-Signature"]),
                (delivery.payload, old),
            ]
        )
        status = await self._post(http, forged[0], {"Stripe-Signature": forged[1]})
        self._journal.check(REFUSED, status in (None, 400, 503), f"{status} for {event['type']}")

    async def _post(
        self, http: httpx.AsyncClient, payload: bytes, headers: dict[str, str]
    ) -> int | None:
        try:
            answer = await http.post(self._url, content=payload, headers=headers)
        except httpx.TransportError:
            self._journal.unanswered += 1
            return None
        self._journal.statuses[answer.status_code] += 1
        return answer.status_code


def in_order(events: Iterable[Json]) -> list[Json]:
    """As Stripe made them."""
    return sorted(events, key=lambda event: (event["created"], event["id"]))
