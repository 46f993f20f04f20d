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
from paywall.tokens import api as tokens
from paywall.tokens.guard import SecurityFromGuards, caller_of
from paywall.tokens.verify import Verifier

ROUTES: list[ControllerRouterHandler] = [*tokens.ROUTES]


def create_app(settings: Settings, clock: Clock | None = None) -> Edge:
    """The application; its lifespan opens and closes everything that it holds.

    Raises SettingsError where an issuer cannot be trusted as it is configured.
    """
    clock = clock or Clock()
    verifier = Verifier(settings, clock)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        database = Database(settings, clock)
        app.state.database = database
        app.state.verifier = verifier
        await database.measure_clock()
        verifier.keyring.newest(clock.now())
        measuring = asyncio.create_task(keep_measuring(database))
        try:
            yield
        finally:
            measuring.cancel()
            with suppress(asyncio.CancelledError):
                await measuring
            await verifier.close()
            await database.close()

    return Edge(
        Litestar(
            route_handlers=ROUTES,
            lifespan=[lifespan],
            dependencies={
                "caller": Provide(caller_of, sync_to_thread=False),
                "database": Provide(_database, sync_to_thread=False),
                "settings": Provide(lambda: settings, sync_to_thread=False),
                "verifier": Provide(lambda: verifier, sync_to_thread=False),
            },
            plugins=[SecurityFromGuards()],
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
