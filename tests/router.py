"""The routers of the applications under test, and a pool of them.

To make one costs a tenth of a second, more than most tests need for themselves. All that differs
from application to application is in its state, which is a new one each time.
"""

from collections import defaultdict

from litestar import Litestar
from litestar.datastructures import State

from paywall import app
from paywall.http.edge import Edge

_make = app.make_router
_origins_of: dict[Litestar, tuple[str, ...]] = {}
_free: defaultdict[tuple[str, ...], list[Litestar]] = defaultdict(list)


def router_of(edge: Edge) -> Litestar:
    """For tests that look at the routes themselves."""
    assert isinstance(edge.app, Litestar)
    return edge.app


def lend(allowed_origins: tuple[str, ...]) -> Litestar:
    """A router that no running application has, in place of a new one."""
    free = _free[allowed_origins]
    router = free.pop() if free else _make(allowed_origins)
    _origins_of[router] = allowed_origins
    router.state = State()
    return router


def give_back(service: app.Service) -> None:
    """Once the application has ended, another may have its router."""
    # Not `service.app`, which a test may have replaced.
    router = service.router
    # Outside pytest nothing is lent.
    if (allowed_origins := _origins_of.pop(router, None)) is not None:
        _free[allowed_origins].append(router)
