"""Reads and moves the sandbox's clock, which the stand-in has and the service follows."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import httpx

from paywall.rules.calendar import add_intervals
from paywall.rules.enums import Interval
from paywall.sandbox.site.paywall_client import PaywallClient

STEPS = (Interval.DAY, Interval.WEEK, Interval.MONTH)
# Stripe charges an hour after a period's end: after this step what is bought now has renewed.
STEP_DELAYS = {Interval.MONTH: timedelta(hours=2)}
SERVICE_FOLLOWS_WITHIN_SECONDS = 10.0
POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 15


class TimeMachine:
    """The newspaper's time, which can be moved where the sandbox has a clock of its own.

    Raises httpx.HTTPError where the clock or the service does not answer.
    """

    def __init__(self, client: PaywallClient, clock_url: str) -> None:
        self.is_available = bool(clock_url)
        self._paywall = client
        self._clock_url = clock_url
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)

    async def now(self) -> datetime:
        if not self.is_available:
            return datetime.now(UTC)
        return _parse_time(await self._http.get(self._clock_url))

    async def move(self, step: Interval) -> bool:
        """Move by one step and wait for its effects; False where some have not arrived in time."""
        # Measured by the service's clock: minting a token for this call by a clock that is ahead
        # would give one that the service does not accept yet.
        now = await self._paywall.service_time()
        until = add_intervals(now, step, 1) + STEP_DELAYS.get(step, timedelta())
        seconds = int((until - now).total_seconds())
        response = await self._http.post(f"{self._clock_url}/advance", data={"seconds": seconds})
        moved_to = _parse_time(response).replace(microsecond=0)
        return response.json()["undelivered"] == 0 and await self._service_is_at(moved_to)

    async def close(self) -> None:
        await self._http.aclose()

    async def _service_is_at(self, moved_to: datetime) -> bool:
        deadline = time.monotonic() + SERVICE_FOLLOWS_WITHIN_SECONDS
        while await self._paywall.service_time() < moved_to:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True


def _parse_time(response: httpx.Response) -> datetime:
    response.raise_for_status()
    return datetime.fromisoformat(response.json()["now"])
