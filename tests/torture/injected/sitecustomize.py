"""Python imports this first in every process of a service under torture: PYTHONPATH names it.

It kills its process at a marked point, once a file in TORTURE_FOLDER has the point's name, and sets
its clock wrong by the number of seconds in the file `clock`.
"""

import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(os.environ["TORTURE_FOLDER"])
Call = Callable[..., Awaitable[Any]]


def reach(point: str) -> None:
    """Die here, if the point is marked; the first process that removes the mark does."""
    mark = FOLDER / point
    if mark.exists():
        with suppress(FileNotFoundError):
            mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def marked(call: Call, before: str, after: str, *, only: str | None = None) -> Call:
    """The same call with a point on both sides; with `only`, where it is the first argument."""

    async def wrapped(*given: Any, **named: Any) -> Any:
        is_marked = only is None or only in given[1:2]
        if is_marked:
            reach(before)
        result = await call(*given, **named)
        if is_marked:
            reach(after)
        return result

    return wrapped


def mark_driver(module: Any) -> None:
    commit = marked(module._commit, "before-commit", "after-commit")  # noqa: SLF001 (changed on purpose)
    module._commit = commit  # noqa: SLF001 (as above)


def mark_sqlite(module: Any) -> None:
    connection = module.Connection
    connection.commit = marked(connection.commit, "before-commit", "after-commit")


def mark_stripe(module: Any) -> None:
    client = module.HTTPXClient
    client.request_async = marked(
        client.request_async, "before-stripe", "after-stripe", only="post"
    )


def set_clock_wrong(module: Any) -> None:
    shift = timedelta(seconds=_seconds_wrong())

    class WrongClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # no subclass: others look at the type
            return datetime.now(tz) + shift

        @classmethod
        def fromtimestamp(cls, timestamp: float, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # as above
            return datetime.fromtimestamp(timestamp, tz)

    module.datetime = WrongClock


def _seconds_wrong() -> float:
    try:
        return float((FOLDER / "clock").read_text())
    except FileNotFoundError:
        return 0


CHANGES = {
    "paywall.database.driver": mark_driver,
    "aiosqlite.core": mark_sqlite,
    "stripe._http_client": mark_stripe,
    "paywall.clock": set_clock_wrong,
}


class ChangingLoader(Loader):
    """Loads a module as it is, and then changes it."""

    def __init__(self, loader: Loader, change: Callable[[Any], None]) -> None:
        self._loader, self._change = loader, change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._change(module)


class ChangingFinder(MetaPathFinder):
    """Finds the modules that are changed; all others are left to Python's own finders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in CHANGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = ChangingLoader(spec.loader, CHANGES[fullname])
        return spec


if seconds_wrong := _seconds_wrong():
    true_time = time.time
    time.time = lambda: true_time() + seconds_wrong
sys.meta_path.insert(0, ChangingFinder())
