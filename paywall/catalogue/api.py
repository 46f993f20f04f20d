"""Routes for the catalogue: plans, packs and passes, and the offers that anyone may see."""

from typing import Annotated, Any, TypeVar

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import select

from paywall.catalogue.models import (
    AnswerT,
    PackAnswer,
    PackInput,
    PassAnswer,
    PassInput,
    PlanAnswer,
    PlanInput,
    ProductInput,
    as_product,
    to_response,
)
from paywall.catalogue.offers import Offers, load_offers
from paywall.catalogue.products import TABLES, find_product, put_product, remove_product
from paywall.database.engine import Database
from paywall.http.fields import ID_PATTERN
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, newest_first
from paywall.problems import CATALOGUE_FULL, PRODUCT_UNKNOWN, invalid
from paywall.processors.stripe.units import why_not_charged
from paywall.rules import khqr_prices
from paywall.rules.enums import ProductKind
from paywall.settings import Settings
from paywall.tokens.guard import anyone, site

InputT = TypeVar("InputT", bound=ProductInput)
ProductId = Annotated[str, PathParameter()]
PUT_ANSWERS = {201: "Put into the catalogue.", 200: "Replaced, or the same as before."}


def product_routes(
    kind: ProductKind, plural: str, input_model: type[InputT], answer: type[AnswerT]
) -> list[ControllerRouterHandler]:
    """Handlers that put, get, delete and list the products of a kind."""
    path_id = PathParameter(
        name=f"{kind}_id", pattern=ID_PATTERN, description=f"The site's id of the {kind}."
    )
    # Litestar resolves quoted annotations by these names.
    types = {"ProductId": Annotated[str, path_id], "InputT": input_model, "AnswerT": answer}
    path = f"/v1/{plural}/{{{kind}_id:str}}"
    return [
        *_writing_routes(kind, path, answer, types),
        _get_route(kind, path, answer, types),
        _list_route(kind, plural, answer, types),
    ]


def _writing_routes(
    kind: ProductKind, path: str, answer: type[AnswerT], types: dict[str, Any]
) -> list[ControllerRouterHandler]:
    @put(
        path,
        name=f"put_{kind}",
        description=f"Put a {kind} into the catalogue (201), or replace it (200); what was sold"
        " stays as it was.",
        guards=[site("catalogue:write")],
        answers=PUT_ANSWERS,
        refuses=[CATALOGUE_FULL],
        signature_namespace=types,
    )
    async def put_one(
        product_id: "ProductId",
        data: "JSONBody[InputT]",
        database: NamedDependency[Database],
        settings: NamedDependency[Settings],
    ) -> "Response[AnswerT]":
        _refuse_what_cannot_be_charged(data, settings)
        async with database.writing() as session:
            product = as_product(TABLES[kind], product_id, data, database.clock.now())
            is_new = await put_product(session, product)
        return Response(to_response(product, answer), status_code=201 if is_new else 200)

    @delete(
        path,
        name=f"delete_{kind}",
        description=f"Sell a {kind} no more; who bought it keeps it. Twice is the same.",
        guards=[site("catalogue:write")],
        signature_namespace=types,
    )
    async def delete_one(product_id: "ProductId", database: NamedDependency[Database]) -> None:
        async with database.writing() as session:
            await remove_product(session, TABLES[kind], product_id)

    return [put_one, delete_one]


def _refuse_what_cannot_be_charged(data: ProductInput, settings: Settings) -> None:
    """Of the currencies that Bakong does not take the site may record payments by itself."""
    for number, price in enumerate(data.prices):
        by_stripe = settings.sells_by_stripe and why_not_charged(price.amount, price.currency)
        is_khqr = settings.sells_by_bakong and price.currency.lower() in khqr_prices.STEPS
        by_bakong = is_khqr and khqr_prices.why_not_charged(price.amount, price.currency)
        if why := by_stripe or by_bakong:
            raise invalid(f"prices[{number}].amount", why)


def _get_route(
    kind: ProductKind, path: str, answer: type[AnswerT], types: dict[str, Any]
) -> ControllerRouterHandler:
    @get(
        path,
        name=f"get_{kind}",
        description=f"A {kind} as it is sold now.",
        guards=[site()],
        refuses=[PRODUCT_UNKNOWN],
        signature_namespace=types,
    )
    async def get_one(product_id: "ProductId", database: NamedDependency[Database]) -> "AnswerT":
        async with database.reading() as session:
            return to_response(await find_product(session, kind, product_id), answer)

    return get_one


def _list_route(
    kind: ProductKind, plural: str, answer: type[AnswerT], types: dict[str, Any]
) -> ControllerRouterHandler:
    table = TABLES[kind]

    @get(
        f"/v1/{plural}",
        name=f"list_{plural}",
        description=f"The {plural} of the catalogue, newest first.",
        guards=[site()],
        signature_namespace=types,
    )
    async def list_all(
        database: NamedDependency[Database], limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> "Page[AnswerT]":
        async with database.reading() as session:
            rows, next_cursor = await newest_first(
                session, select(table), at=table.created_at, id=table.id, limit=limit, cursor=cursor
            )
        return Page(items=[to_response(row, answer) for row in rows], next_cursor=next_cursor)

    return list_all


@get("/v1/offers", guards=[anyone])
async def list_offers(
    database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Offers:
    """What can be bought, with prices: of each kind by position, then the smallest first."""
    async with database.reading() as session:
        return await load_offers(session, settings, database.clock.now())


ROUTES: list[ControllerRouterHandler] = [
    *product_routes(ProductKind.PLAN, "plans", PlanInput, PlanAnswer),
    *product_routes(ProductKind.PACK, "packs", PackInput, PackAnswer),
    *product_routes(ProductKind.PASS, "passes", PassInput, PassAnswer),
    list_offers,
]
