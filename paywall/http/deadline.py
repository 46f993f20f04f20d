"""The deadline of each request, enforced by one timer: a timer for each would slow checks down."""

import asyncio
from types import TracebackType
from typing import Any, Protocol

from paywall.problems import unavailable

SWEEP_EVERY_SECONDS = 0.05

Task = asyncio.Task[Any]


class Cancellable(Protocol):
    """A task, or work without a task of its own that can be cancelled."""

    def cancel(self) -> Any: ...


class Deadline:
    """Cancels work that takes longer than `timeout_seconds`, up to SWEEP_EVERY_SECONDS late."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._due_at: dict[Cancellable, float] = {}
        self._overdue: set[Cancellable] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._due_at)

    def watch(self) -> "_Watch":
        """Limit the running task within a `with`, which raises Problem(UNAVAILABLE) when late."""
        return _Watch(self)

    def start(self, what: Cancellable) -> None:
        """Start the deadline of `what`; `finish` removes it."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(SWEEP_EVERY_SECONDS, self.cancel_overdue, self._loop)
        self._due_at[what] = self._loop.time() + self._timeout_seconds

    def extend(self, what: Cancellable, timeout_seconds: float) -> None:
        """Let it take this long from now, if it would have less time otherwise."""
        if self._loop is not None and what in self._due_at:
            self._due_at[what] = max(self._due_at[what], self._loop.time() + timeout_seconds)

    def meet(self, what: Cancellable) -> None:
        """Remove the deadline, because the response has begun in time."""
        self._due_at.pop(what, None)

    def finish(self, what: Cancellable) -> bool:
        """Remove the deadline at the end of the work; returns whether it had passed."""
        self._due_at.pop(what, None)
        if what not in self._overdue:
            return False
        self._overdue.remove(what)
        return True

    def cancel_overdue(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._due_at:
            self._loop = None
            return
        # Scheduled first, because a cancellation below may raise.
        loop.call_later(SWEEP_EVERY_SECONDS, self.cancel_overdue, loop)
        now = loop.time()
        for what in [what for what, due_at in self._due_at.items() if due_at <= now]:
            del self._due_at[what]
            self._overdue.add(what)
            what.cancel()


class _Watch:
    """Applies a deadline to the current task."""

    __slots__ = ("_deadline", "_task")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def __enter__(self) -> Task:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a running task")
        self._task = task
        self._deadline.start(task)
        return task

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._deadline.finish(self._task) and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise unavailable("The response was not ready in time.") from error
