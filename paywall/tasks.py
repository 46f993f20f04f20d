"""Cancelling background tasks."""

import asyncio
from collections.abc import Collection

# The time for a task's cleanup before it is cancelled again.
RETRY_SECONDS = 5.0


async def cancel_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks until all have ended, and ignore their exceptions.

    One cancellation may not suffice: an error during cleanup replaces it, and before Python 3.12
    `asyncio.wait_for` can lose it (python/cpython#86296).
    """
    cancelled = tuple(tasks)
    pending = set(cancelled)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=RETRY_SECONDS)
    await asyncio.gather(*cancelled, return_exceptions=True)
