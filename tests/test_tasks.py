"""What would go on for ever ends when it is told to."""

import asyncio

import pytest

from paywall import tasks
from paywall.tasks import cancel_tasks


async def forever() -> None:
    await asyncio.Event().wait()


async def test_cancelled_tasks_end_and_raise_nothing() -> None:
    async def fails_on_its_way_out() -> None:
        try:
            await forever()
        finally:
            raise OSError

    tasks = [asyncio.create_task(forever()), asyncio.create_task(fails_on_its_way_out())]
    await asyncio.sleep(0)
    await cancel_tasks(tasks)
    assert all(task.done() for task in tasks)


async def test_a_task_that_loses_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "RETRY_SECONDS", 0.01)

    async def tries_again() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await forever()

    task = asyncio.create_task(tries_again())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancel_tasks([task])
    assert task.cancelled()
