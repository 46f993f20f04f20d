"""Liveness and readiness, for supervisors and load balancers."""

from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.database.engine import Database
from paywall.database.migrations import pending
from paywall.http.bodies import ResponseModel
from paywall.problems import unavailable
from paywall.tokens.guard import anyone


class Alive(ResponseModel):
    """The process runs."""

    status: Annotated[str, Meta(description="`alive`.")]


class Ready(ResponseModel):
    """The service can answer."""

    status: Annotated[str, Meta(description="`ready`.")]


@get("/livez", guards=[anyone], summary="Is the process alive? Asks no database")
async def get_liveness() -> Alive:
    """The process is alive; it is not asked whether the database is."""
    return Alive(status="alive")


@get("/readyz", guards=[anyone], summary="Can it answer? Asks the database")
async def get_readiness(database: NamedDependency[Database]) -> Ready:
    """503 while the database does not answer, or lacks migrations."""
    if await pending(database):
        raise unavailable("Migrations are pending: run `paywall migrate`.", retry_after_seconds=10)
    return Ready(status="ready")


ROUTES: list[ControllerRouterHandler] = [get_liveness, get_readiness]
