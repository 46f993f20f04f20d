"""The service as one ASGI application: one list of routes, and what they share."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from paywall.clock import Clock
from paywall.database import Database, keep_measuring
from paywall.http.bodies import BODY_BYTES_MAX, StrictRequest
from paywall.http.edge import Edge, answer_problem
from paywall.settings import Settings

ROUTES: list[ControllerRouterHandler] = []


def create_app(settings: Settings, clock: Clock | None = None) -> Edge:
    """The application; its lifespan opens and closes everything that it holds."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        database = Database(settings, clock)
        app.state.database = database
        await database.measure_clock()
        measuring = asyncio.create_task(keep_measuring(database))
        try:
            yield
        finally:
            measuring.cancel()
            with suppress(asyncio.CancelledError):
                await measuring
            await database.close()

    return Edge(
        Litestar(
            route_handlers=ROUTES,
            lifespan=[lifespan],
            dependencies={
                "database": Provide(_database, sync_to_thread=False),
                "settings": Provide(lambda: settings, sync_to_thread=False),
            },
            cors_config=CORSConfig(
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            ),
            exception_handlers={Exception: answer_problem},
            request_class=StrictRequest,
            request_max_body_size=BODY_BYTES_MAX,
            logging_config=None,
            openapi_config=None,
        ),
        timeout_seconds=settings.request_timeout_seconds,
    )


def _database(state: State) -> Database:
    database: Database = state.database
    return database
