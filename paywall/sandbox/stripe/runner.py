"""Runs a stand-in: moves its clock in real time, delivers its events and saves its state."""

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from paywall.sandbox.stripe.clock import advance_clock
from paywall.sandbox.stripe.events import sign_event
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.sandbox.stripe.state_file import save_state
from paywall.telemetry import logger

TICK_SECONDS = 1.0
DELIVERY_TIMEOUT_SECONDS = 20
# A service that is starting gets the events soon after, without a longer pause.
PAUSE_SECONDS_MAX = 2.0
DELIVERY_ATTEMPTS_MAX = 60
DELIVERED_WITHIN_SECONDS = 10.0
POLL_SECONDS = 0.05


class StandInRunner:
    """One stand-in with its clock, its webhook endpoint and its state file.

    Without a webhook URL events are only listed, as in a Stripe account without an endpoint.
    Without a file the state is lost at the end.
    """

    def __init__(
        self, stand_in: StandIn, webhook_url: str | None, secret: str, file: Path | None = None
    ) -> None:
        self.stand_in = stand_in
        self.file = file
        self.webhook_url = webhook_url
        self.secret = secret
        self.has_events = asyncio.Event()
        self._caught_up_at = time.monotonic()

    @property
    def now(self) -> datetime:
        """The account's time with its fraction of a second, without which it would step back."""
        since = timedelta(seconds=time.monotonic() - self._caught_up_at)
        return self.stand_in.account.at + since

    def catch_up(self) -> None:
        """Move the account's clock by the whole seconds that have passed."""
        passed = int(time.monotonic() - self._caught_up_at)
        self._caught_up_at += passed
        self.advance(passed)

    def advance(self, seconds: int) -> None:
        """Move the account's clock, and start delivering the events of that time."""
        account = self.stand_in.account
        advance_clock(account, account.now + seconds)
        self.has_events.set()

    async def wait_until_delivered(self) -> None:
        """Wait until all events are delivered, ten seconds at most: the endpoint may be down."""
        deadline = time.monotonic() + DELIVERED_WITHIN_SECONDS
        while self.webhook_url and self.stand_in.account.undelivered:
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def run(self) -> None:
        """Move the clock and deliver events, until cancelled."""
        try:
            await asyncio.gather(self._tick(), self._send_events())
        finally:
            # Only whole seconds are saved, and the next start must not show an earlier time.
            self.advance(1)
            self.save()

    def save(self) -> None:
        """Write the state to the file, if there is one."""
        if self.file:
            save_state(self.stand_in, self.file)

    async def _tick(self) -> None:
        saved_count = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.catch_up()
            if saved_count != self.stand_in.account.created_count:
                saved_count = self.stand_in.account.created_count
                self.save()

    async def _send_events(self) -> None:
        """Send every event in order; one that is not accepted delays the later ones."""
        waiting = self.stand_in.account.undelivered
        async with httpx.AsyncClient(timeout=DELIVERY_TIMEOUT_SECONDS) as client:
            while True:
                await self.has_events.wait()
                self.has_events.clear()
                while self.webhook_url and waiting:
                    event = waiting[0]
                    await self._send(client, self.webhook_url, event)
                    # A test that delivers events itself may have drained it in the meantime.
                    if event in waiting:
                        waiting.remove(event)

    async def _send(self, client: httpx.AsyncClient, url: str, event: Json) -> None:
        """Send one event until it is accepted; after the last attempt it is only listed."""
        pause_seconds = 0.5
        for _ in range(DELIVERY_ATTEMPTS_MAX):
            delivery = sign_event(event, self.secret, self.stand_in.account.now)
            try:
                response = await client.post(
                    url, content=delivery.payload, headers=delivery.headers
                )
            except httpx.TransportError as error:
                reason = type(error).__name__
            else:
                if response.is_success:
                    event["pending_webhooks"] = 0
                    return
                reason = str(response.status_code)
            logger.warning("the stand-in's event %s was not accepted: %s", event["type"], reason)
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, PAUSE_SECONDS_MAX)
