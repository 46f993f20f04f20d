"""Follows the movable clock of a stand-in for Stripe (setting `sandbox_clock_url`)."""

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from paywall.clock import Clock, FollowingClock
from paywall.lazy_import import lazy_import
from paywall.telemetry import logger

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

EVERY_SECONDS = 0.5
ANSWER_WITHIN_SECONDS = 2.0


class _ClockResponse(msgspec.Struct):
    now: datetime


async def sandbox_clock(url: str) -> Clock:
    """A clock that shows the stand-in's time as it is now."""
    clock = FollowingClock()
    await fetch_time(clock, url)
    return clock


async def fetch_time(clock: FollowingClock, url: str) -> None:
    """Fetch the time once; if that fails, the clock goes on as before."""
    async with httpx.AsyncClient(timeout=ANSWER_WITHIN_SECONDS) as client:
        asked = time.monotonic()
        try:
            answer = await client.get(url)
            response = msgspec.json.decode(answer.content, type=_ClockResponse)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            logger.warning("the sandbox's clock does not answer", exc_info=error)
            return
        clock.follow(response.now, asked, time.monotonic())


async def follow_clock(clock: FollowingClock, url: str) -> None:
    """Fetch the time regularly, for as long as the service runs."""
    while True:
        await fetch_time(clock, url)
        await asyncio.sleep(EVERY_SECONDS)
