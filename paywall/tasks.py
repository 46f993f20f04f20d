"""Ending tasks that would go on for ever."""

import asyncio
from collections.abc import Collection

# Time for what a task does on its way out.
AGAIN_AFTER_SECONDS = 5.0


async def cancel_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel these tasks until they are over; what they raise at their end is nobody's any more.

    Once need not be enough: an error on the way out replaces the cancellation, and before Python
    3.12 `asyncio.wait_for` may drop it (python/cpython#86296).
    """
    ended = tuple(tasks)
    going_on = set(ended)
    while going_on:
        for task in going_on:
            task.cancel()
        _, going_on = await asyncio.wait(going_on, timeout=AGAIN_AFTER_SECONDS)
    await asyncio.gather(*ended, return_exceptions=True)
