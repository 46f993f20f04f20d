"""A stand-in that runs by itself: its clock goes on, and its events are delivered."""

import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from paywall.sandbox.stripe.events import signed
from paywall.sandbox.stripe.keeping import save
from paywall.sandbox.stripe.renewals import pass_time
from paywall.sandbox.stripe.shapes import Json
from paywall.sandbox.stripe.standin import StandIn
from paywall.telemetry import logger

TICK_SECONDS = 1.0
ANSWER_WITHIN_SECONDS = 20
PAUSE_SECONDS_MAX = 30.0
TRIES = 10
SETTLED_WITHIN_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.05


class Running:
    """One stand-in, the time since it was last looked at, and where its events go.

    Without a webhook URL events are only listed, as Stripe does for an account without one.
    Without a file it forgets everything when it ends.
    """

    def __init__(
        self, stand_in: StandIn, webhook_url: str | None, secret: str, file: Path | None = None
    ) -> None:
        self.stand_in = stand_in
        self.file = file
        self.webhook_url = webhook_url
        self.secret = secret
        self.news = asyncio.Event()
        self._looked_at = time.monotonic()

    @property
    def now(self) -> datetime:
        """The account's time to the fraction of a second: told in whole ones it would step back."""
        since = timedelta(seconds=time.monotonic() - self._looked_at)
        return self.stand_in.account.at + since

    def keep_up(self) -> None:
        """Let the account's clock go on by the whole seconds that have passed."""
        passed = int(time.monotonic() - self._looked_at)
        self._looked_at += passed
        self.advance(passed)

    def advance(self, seconds: int) -> None:
        """Move the account's clock, and have what happened delivered."""
        account = self.stand_in.account
        pass_time(account, account.now + seconds)
        self.news.set()

    async def settle(self) -> None:
        """Wait until what happened was delivered; ten seconds at most, since nobody may take it."""
        deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
        while self.webhook_url and self.stand_in.account.undelivered:
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def run(self) -> None:
        """Tick and deliver, until cancelled."""
        try:
            await asyncio.gather(self._tick(), self._deliver())
        finally:
            # Whole seconds are kept: the clock must not go on from an earlier time than it told.
            self.advance(1)
            self.keep()

    def keep(self) -> None:
        """Write everything to the file, if there is one."""
        if self.file:
            save(self.stand_in, self.file)

    async def _tick(self) -> None:
        made = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.keep_up()
            if made != self.stand_in.account.made:
                made = self.stand_in.account.made
                self.keep()

    async def _deliver(self) -> None:
        """Send every event, in order; one that is not taken keeps the later ones waiting."""
        waiting = self.stand_in.account.undelivered
        async with httpx.AsyncClient(timeout=ANSWER_WITHIN_SECONDS) as client:
            while True:
                await self.news.wait()
                self.news.clear()
                while self.webhook_url and waiting:
                    event = waiting[0]
                    await self._send(client, self.webhook_url, event)
                    # It may have been drained meanwhile, by a test that delivers by itself.
                    if event in waiting:
                        waiting.remove(event)

    async def _send(self, client: httpx.AsyncClient, url: str, event: Json) -> None:
        """Send one event until it is taken; after ten tries it is only in the list of events."""
        pause_seconds = 0.5
        for _ in range(TRIES):
            delivery = signed(event, self.secret, self.stand_in.account.now)
            try:
                response = await client.post(
                    url, content=delivery.payload, headers=delivery.headers
                )
            except httpx.TransportError as error:
                what = type(error).__name__
            else:
                if response.is_success:
                    event["pending_webhooks"] = 0
                    return
                what = str(response.status_code)
            logger.warning("the stand-in's event %s was not taken: %s", event["type"], what)
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, PAUSE_SECONDS_MAX)
