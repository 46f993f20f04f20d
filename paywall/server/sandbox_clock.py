"""Following the clock of a stand-in for Stripe (`sandbox_clock_url`), which a person can move."""

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from paywall.clock import FollowingClock
from paywall.lazy_import import lazy_import
from paywall.telemetry import logger

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

EVERY_SECONDS = 0.5
ANSWER_WITHIN_SECONDS = 2.0


class _Told(msgspec.Struct):
    now: datetime


async def look_at_clock(clock: FollowingClock, url: str) -> None:
    """Ask once; where nobody answers, time goes on as it did."""
    async with httpx.AsyncClient(timeout=ANSWER_WITHIN_SECONDS) as client:
        asked = time.monotonic()
        try:
            answer = await client.get(url)
            told = msgspec.json.decode(answer.content, type=_Told)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            logger.warning("the sandbox's clock does not answer", exc_info=error)
            return
        clock.follow(told.now, asked, time.monotonic())


async def keep_following(clock: FollowingClock, url: str) -> None:
    """For as long as the service runs."""
    while True:
        await look_at_clock(clock, url)
        await asyncio.sleep(EVERY_SECONDS)
