"""Complimentary subscriptions, for sites."""

from typing import Annotated

from litestar import Response, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from paywall.database import Database
from paywall.http.bodies import Shape
from paywall.http.fields import Id, PathId, Timestamp
from paywall.subscriptions.complimentary import put_complimentary
from paywall.subscriptions.listing import SubscriptionAnswer, tell
from paywall.tokens.guard import site


class ComplimentaryInput(Shape, kw_only=True):
    """A subscription that nobody pays for."""

    plan_id: Annotated[Id | None, Meta(description="The plan that it stands in for.")] = None
    current_period_end: Annotated[Timestamp, Meta(description="When it ends; past: at once.")]


@put(
    "/v1/subscribers/{reader_id:str}/subscription",
    guards=[site("subscribers:write")],
    answers={201: "Given.", 200: "Changed, or the same as before."},
)
async def put_subscription(
    reader_id: PathId, data: JSONBody[ComplimentaryInput], database: NamedDependency[Database]
) -> Response[SubscriptionAnswer]:
    """Give a complimentary subscription (201), or change the one that is there (200)."""
    async with database.writing() as session:
        subscription, is_new = await put_complimentary(
            session,
            reader_id,
            plan_id=data.plan_id,
            current_period_end=data.current_period_end,
            clock=database.clock,
        )
    answer = tell(subscription, database.clock.now())
    return Response(answer, status_code=201 if is_new else 200)


ROUTES = [put_subscription]
