"""A subscriber's overview, for sites and for the reader."""

from litestar import get
from litestar.di import NamedDependency

from paywall.credits.listing import grants_with_something_left, newest_grants
from paywall.credits.locking import require_subscriber
from paywall.database import Database
from paywall.http.fields import PathId
from paywall.problems import SUBSCRIBER_UNKNOWN
from paywall.settings import Settings
from paywall.subscribers.overview import Overview, overview
from paywall.tokens.guard import Caller, reader, site


@get(
    "/v1/subscribers/{reader_id:str}",
    guards=[site("subscribers:read")],
    refuses=[SUBSCRIBER_UNKNOWN],
)
async def get_subscriber(
    reader_id: PathId, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Overview:
    """What a subscriber has, with the newest 200 grants, spent ones too."""
    now = database.clock.now()
    async with database.reading() as session:
        await require_subscriber(session, reader_id)
        grants = await newest_grants(session, reader_id)
        return await overview(session, reader_id, grants, settings=settings, now=now)


@get("/v1/me", guards=[reader])
async def get_me(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Overview:
    """What the reader has, with at most 200 grants that have something left."""
    now = database.clock.now()
    async with database.reading() as session:
        grants = await grants_with_something_left(session, caller.subject, now)
        return await overview(session, caller.subject, grants, settings=settings, now=now)


ROUTES = [get_subscriber, get_me]
