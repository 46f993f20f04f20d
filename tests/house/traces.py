"""How often somebody who reads along a handler's calls returns to a file that they have left.

The handler is traced while it answers one real request. Each function of `paywall/` that is called
beneath it is entered in the order of the calls, once from each function that calls it: a loop or a
retry is not read again. The files that are entered make a sequence, in which the same file twice in
a row counts once. A file that already stands earlier in the sequence is returned to.

Left out are libraries, the sandbox's stand-ins, comprehensions and lambdas, templates, which are
read as a whole, and the files that only declare: problems, settings, telemetry, clock, enums,
columns and tables. Run with `pytest -s` to see each sequence.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

from litestar.routes import HTTPRoute

import paywall
from paywall.app import create_app
from paywall.settings import Settings
from tests.router import router_of

PACKAGE = Path(paywall.__file__).parent
DECLARATIONS = (
    "clock", "database/columns", "database/tables/", "problems", "rules/enums", "sandbox/",
    "settings", "telemetry",
)  # fmt: skip


class Trace:
    """The files that the calls beneath one handler entered, in their order."""

    def __init__(self, handler: CodeType) -> None:
        self.files: list[str] = []
        self._handler = handler
        self._root: FrameType | None = None
        self._frames: set[FrameType] = set()
        self._calls: set[tuple[CodeType, CodeType | None]] = set()

    @property
    def returns(self) -> int:
        """How many times a file was entered that had been left before."""
        return len(self.files) - len(set(self.files))

    def see(self, frame: FrameType, event: str, _argument: object) -> None:
        """For `sys.setprofile`, which reports a coroutine's frame again whenever it resumes."""
        if event != "call" or frame in self._frames:
            return
        if self._root is None and frame.f_code is self._handler:
            self._root = frame
        if not self._is_beneath_handler(frame):
            return
        self._frames.add(frame)
        name = _file_of(frame.f_code)
        call = (frame.f_code, frame.f_back.f_code if frame.f_back else None)
        if name is None or call in self._calls:
            return
        self._calls.add(call)
        if not self.files or self.files[-1] != name:
            self.files.append(name)

    def _is_beneath_handler(self, frame: FrameType) -> bool:
        above: FrameType | None = frame
        while above is not None and above is not self._root:
            above = above.f_back
        return above is not None

    def __str__(self) -> str:
        seen: set[str] = set()
        lines = []
        for name in self.files:
            lines.append(f"{'returns to' if name in seen else '          '} {name}")
            seen.add(name)
        return "\n".join([*lines, f"{self.returns} returns, {len(seen)} files"])


def _file_of(code: CodeType) -> str | None:
    """The file of a function that somebody would read, relative to the package."""
    path = Path(code.co_filename)
    is_read_along = path.is_relative_to(PACKAGE) and path.suffix == ".py"
    if not is_read_along or code.co_name.startswith("<"):
        return None
    name = str(path.relative_to(PACKAGE).with_suffix(""))
    return None if name.startswith(DECLARATIONS) else name


def handler_of(method: str, path: str) -> CodeType:
    """The code of a route's handler."""
    for route in router_of(create_app(Settings())).routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else []:
            if route.path == path and method in handler.http_methods:
                code: CodeType = handler.fn.__code__
                return code
    raise LookupError(f"{method} {path}")


@contextmanager
def traced(method: str, path: str) -> Iterator[Trace]:
    """Trace the handler of a route, while its request is made within."""
    trace = Trace(handler_of(method, path))
    before = sys.getprofile()
    sys.setprofile(trace.see)
    try:
        yield trace
    finally:
        sys.setprofile(before)
