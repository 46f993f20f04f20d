"""The service as one ASGI application: its routes and what they share."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler

from paywall import telemetry
from paywall.access import api as access
from paywall.access import forward_auth
from paywall.articles import api as articles
from paywall.catalogue import api as catalogue
from paywall.clock import Clock, FollowingClock
from paywall.credits import api as credits_
from paywall.database.engine import Database, keep_measuring
from paywall.database.opening import open_database
from paywall.http.bodies import BODY_BYTES_MAX, StrictRequest
from paywall.http.edge import DISCARDS_WRITES, Edge, answer_options
from paywall.http.rate_limits import RateLimit
from paywall.idempotency import claim_of
from paywall.imports import api as imports
from paywall.imports.wordpress import api as wordpress_imports
from paywall.load_settings import load_settings
from paywall.payments import api as payments
from paywall.processors.bakong import api as bakong_payments
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.sweeper import keep_sweeping
from paywall.processors.stripe import api as stripe_payments
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import keep_reconciled
from paywall.server import health
from paywall.server.check_batches import Batches
from paywall.server.connection_limits import (
    ConnectionLimits,
    connections_by_open_files,
    open_files_max,
)
from paywall.server.fast_check import FastCheck
from paywall.server.housekeeping import run_housekeeping
from paywall.server.sandbox_clock import follow_clock
from paywall.server.saturation import Busy, keep_reporting
from paywall.settings import Settings
from paywall.subscribers import api as subscribers
from paywall.subscriptions import api as subscriptions
from paywall.tasks import cancel_tasks
from paywall.telemetry import Limit
from paywall.tokens import api as tokens
from paywall.tokens.caller import Caller
from paywall.tokens.verify import Verifier
from paywall.tokens.write_limits import WriteLimits
from paywall.unlocks import api as unlocks
from paywall.web import assets, docs
from paywall.web.pages import api as pages

ROUTES: list[ControllerRouterHandler] = [
    *access.ROUTES,
    *forward_auth.ROUTES,
    *articles.ROUTES,
    *catalogue.ROUTES,
    *credits_.ROUTES,
    *unlocks.ROUTES,
    *payments.ROUTES,
    *stripe_payments.ROUTES,
    *bakong_payments.ROUTES,
    *subscriptions.ROUTES,
    *subscribers.ROUTES,
    *imports.ROUTES,
    *wordpress_imports.ROUTES,
    *tokens.ROUTES,
    *health.ROUTES,
    *docs.ROUTES,
    *assets.ROUTES,
    *pages.ROUTES,
]


class Service(Edge):
    """The application, with what the connection handling needs of this process."""

    def __init__(self, router: Litestar, check: FastCheck, settings: Settings) -> None:
        super().__init__(router, timeout_seconds=settings.request_timeout_seconds)
        self.router = router
        self.settings = settings
        self.check = check
        self.connections = ConnectionLimits(
            settings.connections_max or connections_by_open_files(open_files_max()),
            body_within_seconds=settings.request_timeout_seconds,
        )

    def busy(self, database: Database) -> Busy:
        deadlines = (self.deadline, self.check.deadline)
        return Busy(database, self.check.batches, deadlines, self.connections, self.settings)


def application() -> Service:
    """The application of a serving process, with the settings of `load_settings`."""
    telemetry.start_at_zero()
    app = create_app(load_settings())
    # Built before the first request, because building takes half a second.
    docs.docs_of(app.router)
    # These objects live as long as the process, so exclude them from garbage collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    return app


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    stripe_client: StripeClient | None = None,
    bakong_client: BakongClient | None = None,
) -> Service:
    """The application; its lifespan opens and closes everything that it holds.

    Without a client, it calls a processor over the network if that is configured. Raises
    SettingsError for an issuer, a theme or words that cannot be used.
    """
    clock = clock or (FollowingClock() if settings.sandbox_clock_url else Clock())
    # Loaded here, so that an unusable theme stops the start.
    assets.assets_of(settings)
    if stripe_client is None and settings.sells_by_stripe:
        stripe_client = StripeClient(settings)
    if bakong_client is None and settings.sells_by_bakong:
        bakong_client = BakongClient(settings)
    verifier = Verifier(settings, clock)
    batches = Batches(settings, clock)
    router = make_router(tuple(settings.allowed_origins))
    router.state.verifier = verifier
    router.state.settings = settings
    router.state.write_limits = WriteLimits(settings)
    router.state.sign_ins = RateLimit(Limit.SIGN_IN, settings.sign_ins_per_minute_max)
    router.state.stripe_client = stripe_client
    router.state.bakong_client = bakong_client
    router.state.clock = clock
    router.state.batches = batches
    check = FastCheck(verifier, batches, lambda: router.state.database, settings)
    service = Service(router, check, settings)
    router.state.service = service
    return service


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncGenerator[None]:
    settings: Settings = app.state.settings
    clock: Clock = app.state.clock
    stripe_client: StripeClient | None = app.state.stripe_client
    bakong_client: BakongClient | None = app.state.bakong_client
    verifier: Verifier = app.state.verifier
    batches: Batches = app.state.batches
    # `paywall serve` has checked the migrations; /readyz reports pending ones.
    async with open_database(settings, clock, requires_migrations=False) as database:
        app.state.database = database
        # Creates the signing key, or stops the start if it cannot be stored.
        verifier.keyring.newest(clock.now())
        chores = [asyncio.create_task(chore) for chore in _background_tasks(app, database, clock)]
        try:
            async with batches.open(database.connector):
                yield
        finally:
            await cancel_tasks(chores)
            await verifier.close()
            if stripe_client is not None:
                await stripe_client.close()
            if bakong_client is not None:
                await bakong_client.close()


def make_router(allowed_origins: tuple[str, ...]) -> Litestar:
    """All routes. Everything else that an application has is in the router's state."""
    return Litestar(
        route_handlers=ROUTES,
        lifespan=[_lifespan],
        dependencies={
            "caller": Provide(_caller, sync_to_thread=False),
            "claim": Provide(claim_of),
            "database": Provide(_database, sync_to_thread=False),
            "stripe": Provide(_stripe, sync_to_thread=False),
            "bakong": Provide(_bakong, sync_to_thread=False),
            "settings": Provide(_settings, sync_to_thread=False),
            "verifier": Provide(_verifier, sync_to_thread=False),
        },
        cors_config=CORSConfig(
            allow_origins=list(allowed_origins),
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        ),
        before_request=answer_options,
        exception_handlers={Exception: pages.answer_unrouted},
        request_class=StrictRequest,
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
        openapi_config=None,
    )


def _background_tasks(
    app: Litestar, database: Database, clock: Clock
) -> Iterator[Coroutine[Any, Any, None]]:
    """Tasks that run beside the requests for the lifetime of the process."""
    service: Service = app.state.service
    stripe_client: StripeClient | None = app.state.stripe_client
    bakong_client: BakongClient | None = app.state.bakong_client
    yield keep_measuring(database)
    yield keep_reporting(service.busy(database))
    yield run_housekeeping(database)
    if isinstance(clock, FollowingClock):
        yield follow_clock(clock, service.settings.sandbox_clock_url)
    if stripe_client is not None:
        yield keep_reconciled(StripeContext(database, stripe_client, service.settings))
    if bakong_client is not None:
        yield keep_sweeping(BakongContext(database, bakong_client, service.settings))


def _database(request: Request[Any, Any, Any]) -> Database:
    """The dependency `database` of a handler; a HEAD request's transactions are rolled back."""
    database: Database = request.app.state.database
    return database.discarding() if request.scope["state"][DISCARDS_WRITES] else database


# `caller` depends on `settings`, and `settings` on `database`, only so that they are provided one
# after the other: Litestar starts a task for each independent dependency, which takes a tenth of
# an unlock's time.


def _settings(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],  # noqa: ARG001 (see the comment above)
) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _caller(
    request: Request[Any, Caller, Any],
    settings: NamedDependency[Settings],  # noqa: ARG001 (see the comment above)
) -> Caller:
    """The dependency `caller` of a handler whose route has the guard `site` or `reader`."""
    return request.auth


def _stripe(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> StripeContext | None:
    """The dependency `stripe` of a handler, which gets the time to wait for Stripe."""
    client: StripeClient | None = request.app.state.stripe_client
    if client is None:
        return None
    service: Service = request.app.state.service
    service.extend_deadline(request.scope)
    return StripeContext(database, client, settings)


def _bakong(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> BakongContext | None:
    """The dependency `bakong` of a handler, which gets the time to wait for the bank."""
    client: BakongClient | None = request.app.state.bakong_client
    if client is None:
        return None
    service: Service = request.app.state.service
    service.extend_deadline(request.scope)
    return BakongContext(database, client, settings)


def _verifier(request: Request[Any, Any, Any]) -> Verifier:
    verifier: Verifier = request.app.state.verifier
    return verifier
