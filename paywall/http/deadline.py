"""Each request's deadline. One timer watches over all: one for each would cost a check too much."""

import asyncio
from types import TracebackType
from typing import Any, Protocol

from paywall.problems import unavailable

LOOK_EVERY_SECONDS = 0.05

Task = asyncio.Task[Any]


class Cancellable(Protocol):
    """A task, or what has no task of its own and still comes to an end."""

    def cancel(self) -> Any: ...


class Deadline:
    """Cancels what runs longer than `timeout_seconds`, by at most LOOK_EVERY_SECONDS more."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._due_at: dict[Cancellable, float] = {}
        self._overdue: set[Cancellable] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self) -> "_Watch":
        """Over the running task, within a `with`, which raises Problem (UNAVAILABLE) past it."""
        return _Watch(self)

    def start(self, what: Cancellable) -> None:
        """Watch over this, until `end`."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(LOOK_EVERY_SECONDS, self.look, self._loop)
        self._due_at[what] = self._loop.time() + self._timeout_seconds

    def extend(self, what: Cancellable, timeout_seconds: float) -> None:
        """Give it this long from now, where it would have less."""
        if self._loop is not None and what in self._due_at:
            self._due_at[what] = max(self._due_at[what], self._loop.time() + timeout_seconds)

    def stop(self, what: Cancellable) -> None:
        """Let it go on for as long as it takes."""
        self._due_at.pop(what, None)

    def end(self, what: Cancellable) -> bool:
        """Whether it was cancelled here."""
        self._due_at.pop(what, None)
        if what not in self._overdue:
            return False
        self._overdue.remove(what)
        return True

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._due_at:
            self._loop = None
            return
        # First: what is cancelled now may fail, and the next look must come all the same.
        loop.call_later(LOOK_EVERY_SECONDS, self.look, loop)
        now = loop.time()
        for what in [what for what, due_at in self._due_at.items() if due_at <= now]:
            del self._due_at[what]
            self._overdue.add(what)
            what.cancel()


class _Watch:
    """A deadline over the task that runs."""

    __slots__ = ("_deadline", "_task")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __enter__(self) -> Task:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for what runs in a task")
        self._task = task
        self._deadline.start(task)
        return task

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._deadline.end(self._task) and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise unavailable("The answer is not there in time.") from error
