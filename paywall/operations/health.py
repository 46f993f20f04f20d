"""Is the process alive, and can it answer? For supervisors and load balancers."""

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler

from paywall.database import Database
from paywall.migrations import pending
from paywall.problems import unavailable
from paywall.tokens.guard import anyone


class Health(msgspec.Struct):
    """How the service is."""

    status: str


@get("/livez", guards=[anyone], summary="Is the process alive? Asks no database")
async def livez() -> Health:
    """The process is alive; it is not asked whether the database is."""
    return Health("alive")


@get("/readyz", guards=[anyone], summary="Can it answer? Asks the database")
async def readyz(database: NamedDependency[Database]) -> Health:
    """503 while the database does not answer, or lacks migrations."""
    if await pending(database):
        raise unavailable("Migrations are pending: run `paywall migrate`.", retry_after_seconds=10)
    return Health("ready")


ROUTES: list[ControllerRouterHandler] = [livez, readyz]
