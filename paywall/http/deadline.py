"""Each request's deadline. One timer watches over all: one for each would cost a check too much."""

import asyncio
from typing import Any

LOOK_EVERY_SECONDS = 0.05

Task = asyncio.Task[Any]


class Deadline:
    """Cancels what runs longer than `timeout_seconds`, by at most LOOK_EVERY_SECONDS more."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._due_at: dict[Task, float] = {}
        self._overdue: set[Task] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> Task:
        """Watch the running task, until `end`."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(LOOK_EVERY_SECONDS, self._look, self._loop)
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline is for what runs in a task")
        self._due_at[task] = self._loop.time() + self._timeout_seconds
        return task

    def extend(self, task: Task, timeout_seconds: float) -> None:
        """Give it this long from now, where it would have less."""
        if self._loop is not None and task in self._due_at:
            self._due_at[task] = max(self._due_at[task], self._loop.time() + timeout_seconds)

    def was_overdue(self, task: Task) -> bool:
        """Whether it was cancelled here; it goes on as if it had not been."""
        if task not in self._overdue:
            return False
        self._overdue.remove(task)
        task.uncancel()
        return True

    def end(self, task: Task) -> None:
        self._due_at.pop(task, None)
        self._overdue.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task in [task for task, due_at in self._due_at.items() if due_at <= now]:
            del self._due_at[task]
            self._overdue.add(task)
            task.cancel()
        if self._due_at:
            loop.call_later(LOOK_EVERY_SECONDS, self._look, loop)
        else:
            self._loop = None
