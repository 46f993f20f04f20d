"""The sandbox's clock: the stand-in for Stripe has it, and the service follows it."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx

from paywall.rules.calendar import after
from paywall.rules.enums import Interval
from paywall.sandbox.site.paywall_client import PaywallClient

STEPS = (Interval.DAY, Interval.WEEK, Interval.MONTH)
CHARGE_DELAY = timedelta(hours=2)
"""Stripe charges an hour after a period has ended: by then what is bought now has been renewed."""
SERVICE_FOLLOWS_WITHIN_SECONDS = 10.0
POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 15


class TimeMachine:
    """Tells the newspaper's time; moves it, where the sandbox has a clock of its own.

    Raises httpx.HTTPError where the clock or the service does not answer.
    """

    def __init__(self, publisher: PaywallClient, clock_url: str) -> None:
        self.is_available = bool(clock_url)
        self._publisher = publisher
        self._clock_url = clock_url
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)

    async def now(self) -> datetime:
        if not self.is_available:
            return datetime.now(UTC)
        return _parse_time(await self._client.get(self._clock_url))

    async def move(self, step: Interval) -> bool:
        """Go on by one step, and wait for what it brings about; false where not all has come."""
        # By the service: a token that the newspaper had to get for it in between would be of a time
        # that the service is yet to come to.
        now = await self._publisher.service_time()
        seconds = int((after(now, step, 1) + CHARGE_DELAY - now).total_seconds())
        answer = await self._client.post(f"{self._clock_url}/advance", data={"seconds": seconds})
        moved_to = _parse_time(answer).replace(microsecond=0)
        return answer.json()["undelivered"] == 0 and await self._service_is_at(moved_to)

    async def close(self) -> None:
        await self._client.aclose()

    async def _service_is_at(self, moved_to: datetime) -> bool:
        deadline = time.monotonic() + SERVICE_FOLLOWS_WITHIN_SECONDS
        while await self._publisher.service_time() < moved_to:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True


def _parse_time(answer: httpx.Response) -> datetime:
    answer.raise_for_status()
    return datetime.fromisoformat(answer.json()["now"])
