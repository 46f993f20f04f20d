"""Routes for the catalogue: plans, packs and passes, and the offers that anyone may see."""

from typing import Annotated

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.find import find_pack, find_pass, find_plan
from paywall.catalogue.models import (
    PackAnswer,
    PackInput,
    PassAnswer,
    PassInput,
    PlanAnswer,
    PlanInput,
    Product,
    ProductTold,
    as_product,
    to_response,
)
from paywall.catalogue.products import put_product, remove_product
from paywall.database.engine import Database
from paywall.database.tables import Pack, Pass, Plan
from paywall.http.bodies import ResponseModel
from paywall.http.fields import PathPackId, PathPassId, PathPlanId
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, newest_first
from paywall.problems import CATALOGUE_FULL, PRODUCT_UNKNOWN
from paywall.rules.enums import Interval
from paywall.tokens.guard import anyone, site


@put(
    "/v1/plans/{plan_id:str}",
    guards=[site("catalogue:write")],
    answers={201: "Put into the catalogue.", 200: "Replaced, or the same as before."},
    refuses=[CATALOGUE_FULL],
)
async def put_plan(
    plan_id: PathPlanId, data: JSONBody[PlanInput], database: NamedDependency[Database]
) -> Response[PlanAnswer]:
    """Put a plan into the catalogue (201), or replace it (200); what was sold stays as it was."""
    async with database.writing() as session:
        plan = as_product(Plan, plan_id, data, database.clock.now())
        is_new = await put_product(session, plan)
    return Response(to_response(plan, PlanAnswer), status_code=201 if is_new else 200)


@get("/v1/plans/{plan_id:str}", guards=[site()], refuses=[PRODUCT_UNKNOWN])
async def get_plan(plan_id: PathPlanId, database: NamedDependency[Database]) -> PlanAnswer:
    """A plan as it is sold now."""
    async with database.reading() as session:
        return to_response(await find_plan(session, plan_id), PlanAnswer)


@delete("/v1/plans/{plan_id:str}", guards=[site("catalogue:write")])
async def delete_plan(plan_id: PathPlanId, database: NamedDependency[Database]) -> None:
    """Sell a plan no more; who bought it keeps it. Twice is the same."""
    async with database.writing() as session:
        await remove_product(session, Plan, plan_id)


@get("/v1/plans", guards=[site()])
async def list_plans(
    database: NamedDependency[Database], limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[PlanAnswer]:
    """The plans of the catalogue, newest first."""
    async with database.reading() as session:
        rows, next_cursor = await newest_first(
            session, select(Plan), at=Plan.created_at, id=Plan.id, limit=limit, cursor=cursor
        )
    return Page(items=[to_response(plan, PlanAnswer) for plan in rows], next_cursor=next_cursor)


@put(
    "/v1/packs/{pack_id:str}",
    guards=[site("catalogue:write")],
    answers={201: "Put into the catalogue.", 200: "Replaced, or the same as before."},
    refuses=[CATALOGUE_FULL],
)
async def put_pack(
    pack_id: PathPackId, data: JSONBody[PackInput], database: NamedDependency[Database]
) -> Response[PackAnswer]:
    """Put a pack into the catalogue (201), or replace it (200); what was sold stays as it was."""
    async with database.writing() as session:
        pack = as_product(Pack, pack_id, data, database.clock.now())
        is_new = await put_product(session, pack)
    return Response(to_response(pack, PackAnswer), status_code=201 if is_new else 200)


@get("/v1/packs/{pack_id:str}", guards=[site()], refuses=[PRODUCT_UNKNOWN])
async def get_pack(pack_id: PathPackId, database: NamedDependency[Database]) -> PackAnswer:
    """A pack as it is sold now."""
    async with database.reading() as session:
        return to_response(await find_pack(session, pack_id), PackAnswer)


@delete("/v1/packs/{pack_id:str}", guards=[site("catalogue:write")])
async def delete_pack(pack_id: PathPackId, database: NamedDependency[Database]) -> None:
    """Sell a pack no more; who bought it keeps it. Twice is the same."""
    async with database.writing() as session:
        await remove_product(session, Pack, pack_id)


@get("/v1/packs", guards=[site()])
async def list_packs(
    database: NamedDependency[Database], limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[PackAnswer]:
    """The packs of the catalogue, newest first."""
    async with database.reading() as session:
        rows, next_cursor = await newest_first(
            session, select(Pack), at=Pack.created_at, id=Pack.id, limit=limit, cursor=cursor
        )
    return Page(items=[to_response(pack, PackAnswer) for pack in rows], next_cursor=next_cursor)


@put(
    "/v1/passes/{pass_id:str}",
    guards=[site("catalogue:write")],
    answers={201: "Put into the catalogue.", 200: "Replaced, or the same as before."},
    refuses=[CATALOGUE_FULL],
)
async def put_pass(
    pass_id: PathPassId, data: JSONBody[PassInput], database: NamedDependency[Database]
) -> Response[PassAnswer]:
    """Put a pass into the catalogue (201), or replace it (200); what was sold stays as it was."""
    async with database.writing() as session:
        pass_ = as_product(Pass, pass_id, data, database.clock.now())
        is_new = await put_product(session, pass_)
    return Response(to_response(pass_, PassAnswer), status_code=201 if is_new else 200)


@get("/v1/passes/{pass_id:str}", guards=[site()], refuses=[PRODUCT_UNKNOWN])
async def get_pass(pass_id: PathPassId, database: NamedDependency[Database]) -> PassAnswer:
    """A pass as it is sold now."""
    async with database.reading() as session:
        return to_response(await find_pass(session, pass_id), PassAnswer)


@delete("/v1/passes/{pass_id:str}", guards=[site("catalogue:write")])
async def delete_pass(pass_id: PathPassId, database: NamedDependency[Database]) -> None:
    """Sell a pass no more; who bought it keeps it. Twice is the same."""
    async with database.writing() as session:
        await remove_product(session, Pass, pass_id)


@get("/v1/passes", guards=[site()])
async def list_passes(
    database: NamedDependency[Database], limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[PassAnswer]:
    """The passes of the catalogue, newest first."""
    async with database.reading() as session:
        rows, next_cursor = await newest_first(
            session, select(Pass), at=Pass.created_at, id=Pass.id, limit=limit, cursor=cursor
        )
    return Page(items=[to_response(pass_, PassAnswer) for pass_ in rows], next_cursor=next_cursor)


# Near enough to tell the shorter from the longer.
DAYS = {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 30, Interval.YEAR: 365}


class Offers(ResponseModel):
    """Everything that can be bought, of each kind the smallest first."""

    plans: Annotated[list[PlanAnswer], Meta(description="Subscriptions.")]
    packs: Annotated[list[PackAnswer], Meta(description="Credits, bought once.")]
    passes: Annotated[list[PassAnswer], Meta(description="Everything for some days, bought once.")]


@get("/v1/offers", guards=[anyone])
async def list_offers(database: NamedDependency[Database]) -> Offers:
    """What can be bought, with prices: of plans and passes the shortest first."""
    async with database.reading() as session:
        return await load_offers(session)


async def load_offers(session: AsyncSession) -> Offers:
    return Offers(
        plans=await _all(session, Plan, PlanAnswer),
        packs=await _all(session, Pack, PackAnswer),
        passes=await _all(session, Pass, PassAnswer),
    )


async def _all(
    session: AsyncSession, table: type[Product], shape: type[ProductTold]
) -> list[ProductTold]:
    products = (await session.exec(select(table).order_by(col(table.id)))).all()
    return [to_response(product, shape) for product in sorted(products, key=_size)]


def _size(product: Plan | Pack | Pass) -> int:
    """In days, or in credits."""
    match product:
        case Plan():
            return DAYS[product.interval] * product.interval_count
        case Pass():
            return product.days
        case Pack():
            return product.credits


ROUTES: list[ControllerRouterHandler] = [
    put_plan,
    get_plan,
    delete_plan,
    list_plans,
    put_pack,
    get_pack,
    delete_pack,
    list_packs,
    put_pass,
    get_pass,
    delete_pass,
    list_passes,
    list_offers,
]
