"""Routes for KHQR codes, and for payments that match none."""

from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import select

from paywall.bakong_problems import (
    READER_ERASED,
    UNMATCHED_PAYMENT_RESOLVED,
    UNMATCHED_PAYMENT_UNKNOWN,
)
from paywall.database.engine import Database
from paywall.database.tables import KhqrCode, UnmatchedPayment
from paywall.http.fields import ID_PATTERN
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page
from paywall.idempotency import IdempotencyClaim, store_response, stored_response
from paywall.payments.unmatched_models import (
    RESOLUTIONS,
    ResolutionInput,
    UnmatchedPaymentAnswer,
    unmatched_to_response,
)
from paywall.problems import NOT_FOUND, Problem
from paywall.processors.bakong.picture import SVG_MEDIA_TYPE, draw_code
from paywall.processors.bakong.unmatched import list_unmatched, resolve_unmatched
from paywall.settings import Settings
from paywall.tokens.guard import Caller, anyone, site

SUFFIX = ".svg"
PathImageName = Annotated[
    str,
    PathParameter(
        pattern=r"^[0-9a-f]{32}\.svg\Z", description="The MD5 of the code's text, and `.svg`."
    ),
]
PathUnmatchedId = Annotated[
    str,
    PathParameter(
        pattern=ID_PATTERN, description="The id of the payment, from GET /v1/unmatched-payments."
    ),
]
Outstanding = Annotated[
    bool, QueryParameter(description="Only those that the site has to decide about.")
]
# The text of a code never changes, and its picture is of no use to anybody else.
CACHED = {"Cache-Control": "private, max-age=86400, immutable"}


@get(
    "/v1/khqr/{image_name:str}",
    guards=[anyone],
    include_in_schema=False,
)
async def get_khqr_picture(
    image_name: PathImageName, database: NamedDependency[Database]
) -> Response[str]:
    """The picture of a KHQR code, as SVG: black on white, with the quiet zone that apps need.

    The address needs no token: nobody can guess the MD5 of a text with a random bill number.
    """
    known = select(KhqrCode.text).where(KhqrCode.md5 == image_name.removesuffix(SUFFIX))
    async with database.reading() as session:
        text = (await session.exec(known)).first()
    if text is None:
        raise Problem(NOT_FOUND)
    return Response(draw_code(text), media_type=SVG_MEDIA_TYPE, headers=CACHED)


@get("/v1/unmatched-payments", guards=[site("subscribers:read")])
async def get_unmatched_payments(
    database: NamedDependency[Database],
    outstanding: Outstanding = False,  # noqa: FBT002 (a query parameter)
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[UnmatchedPaymentAnswer]:
    """Payments for KHQR codes that were not given, newest first.

    The amount, the currency or the payee differs from the code's, or the code is paid already, or
    its reader was erased.
    """
    async with database.reading() as session:
        return await list_unmatched(session, outstanding=outstanding, limit=limit, cursor=cursor)


@post(
    "/v1/unmatched-payments/{payment_id:str}/resolution",
    guards=[site("admin")],
    status_code=200,
    refuses=[UNMATCHED_PAYMENT_UNKNOWN, UNMATCHED_PAYMENT_RESOLVED, READER_ERASED],
)
async def post_resolution(
    payment_id: PathUnmatchedId,
    data: JSONBody[ResolutionInput],
    caller: NamedDependency[Caller],
    claim: NamedDependency[IdempotencyClaim | None],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[UnmatchedPaymentAnswer]:
    """Give what an unmatched payment was made for, or note that its money was returned.

    Giving records a purchase with the amount that was paid. Repeating it changes nothing.
    """
    async with database.writing() as session:
        payment = await session.get(UnmatchedPayment, payment_id)
        reader_id = payment.reader_id if payment else None
        now = database.clock.now()
        if stored := await stored_response(session, claim, now, reader_id=reader_id):
            return stored
        resolved = await resolve_unmatched(
            session,
            payment_id,
            RESOLUTIONS[data.resolution],
            data.note,
            actor=caller.actor,
            settings=settings,
            clock=database.clock,
        )
        return await store_response(session, claim, 200, unmatched_to_response(resolved))


ROUTES: list[ControllerRouterHandler] = [
    get_khqr_picture,
    get_unmatched_payments,
    post_resolution,
]
