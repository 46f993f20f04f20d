"""Request and response models of plans, packs and passes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from paywall.catalogue.products import Product
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import AMOUNT_MAX, CURRENCY_PATTERN, Credits, Id, SingleLine
from paywall.problems import invalid
from paywall.rules.enums import CreditsExpire, Interval, Processor
from paywall.rules.money import currency_code

AnswerT = TypeVar("AnswerT", bound=ResponseModel)

DAYS_MAX = 36_500
Days = Annotated[int, Meta(ge=1, le=DAYS_MAX, description="A number of days.")]
PlanCredits = Annotated[
    int, Meta(ge=0, le=1_000_000, description="Credits that each paid period grants.")
]
IntervalCount = Annotated[int, Meta(ge=1, le=36, description="So many intervals are a period.")]
TrialDays = Annotated[int, Meta(ge=1, le=730, description="Days before the first payment.")]
Position = Annotated[
    int,
    Meta(
        ge=0,
        le=10_000,
        description="Offers of a kind are listed by position; those without one come last, the"
        " smallest first.",
    ),
]
Recommended = Annotated[bool, Meta(description="Marked in the shop as the one to choose.")]


class Price(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a product costs in one currency."""

    amount: Annotated[
        int,
        Meta(
            ge=0,
            le=AMOUNT_MAX,
            description="In the smallest unit as ISO 4217 counts it: 4,000 riel are 400000.",
        ),
    ]
    currency: Annotated[
        str, Meta(pattern=CURRENCY_PATTERN, description="ISO 4217: any case in, lower case out.")
    ]


class ProductInput(RequestModel, kw_only=True):
    """What every product has."""

    title: Annotated[SingleLine, Meta(min_length=1, description="What readers see.")]
    prices: Annotated[tuple[Price, ...], Meta(min_length=1, description="One a currency.")]
    position: Position | None = None
    recommended: Recommended = False
    id: Annotated[Id, Meta(description="The id of the path, if it is sent at all.")] | UnsetType = (
        UNSET
    )


class PlanInput(ProductInput, kw_only=True):
    """A subscription: opens everything for a period, again and again."""

    interval: Annotated[Interval, Meta(description="The unit of its period.")]
    interval_count: IntervalCount = 1
    credits: PlanCredits = 0
    credits_expire: Annotated[
        CreditsExpire, Meta(description="With the period that granted them, or never.")
    ] = CreditsExpire.PERIOD_END
    trial_days: TrialDays | None = None


class PackInput(ProductInput, kw_only=True):
    """Credits, bought once."""

    credits: Credits
    expires_after_days: Annotated[
        Days | None, Meta(description="Counted from the purchase; null: the credits never expire.")
    ] = None


class PassInput(ProductInput, kw_only=True):
    """Opens everything for some days, bought once."""

    days: Days


class ProductAnswer(ResponseModel, kw_only=True):
    """What every product has."""

    id: Annotated[str, Meta(description="The site's id of the product.")]
    title: Annotated[str, Meta(description="What readers see.")]
    prices: Annotated[Sequence[Price], Meta(description="One per currency.")]
    position: Annotated[
        int | None,
        Meta(description="Its place among the offers; null: after those that have one."),
    ]
    recommended: Recommended


class PlanAnswer(ProductAnswer, kw_only=True):
    """A subscription: opens everything for a period, again and again."""

    interval: Annotated[Interval, Meta(description="The unit of its period.")]
    interval_count: Annotated[int, Meta(description="How many intervals make a period.")]
    credits: Annotated[int, Meta(description="Credits that each paid period grants.")]
    credits_expire: Annotated[
        CreditsExpire, Meta(description="With the period that granted them, or never.")
    ]
    trial_days: Annotated[
        int | None,
        Meta(
            description="Days before the first payment, for readers who had no trial yet; null: no"
            " trial."
        ),
    ]


class PackAnswer(ProductAnswer, kw_only=True):
    """Credits, bought once."""

    credits: Annotated[int, Meta(description="A number of credits.")]
    expires_after_days: Annotated[
        int | None, Meta(description="Counted from the purchase; null: the credits never expire.")
    ]


class Saving(ResponseModel, kw_only=True):
    """How much cheaper a credit of a pack, or a month of a plan, is than in the smallest."""

    currency: Annotated[str, Meta(description="Both have a price in this currency.")]
    percent: Annotated[int, Meta(description="At least 1, rounded down.")]


class OfferedPrice(Price, kw_only=True):
    """A price, and how it can be paid."""

    processors: Annotated[
        list[Processor], Meta(description="Those that `POST /v1/me/checkout` takes for it.")
    ] = []


OfferedPrices = Annotated[Sequence[OfferedPrice], Meta(description="One per currency.")]


class PackOffer(PackAnswer, kw_only=True):
    """A pack beside the other packs."""

    prices: OfferedPrices
    savings: Annotated[
        list[Saving],
        Meta(description="Against the smallest pack; none in currencies where nothing is saved."),
    ]


class PlanOffer(PlanAnswer, kw_only=True):
    """A plan beside the other plans."""

    prices: OfferedPrices
    savings: Annotated[
        list[Saving],
        Meta(
            description="Against the plan with the shortest period in months; none in currencies"
            " where nothing is saved, and none where two plans have the same period or one gives"
            " more credits a month than another."
        ),
    ]


class PassAnswer(ProductAnswer, kw_only=True):
    """Opens everything for some days, bought once."""

    days: Annotated[int, Meta(description="How many days it lasts.")]


class PassOffer(PassAnswer, kw_only=True):
    """A pass, and how it can be paid."""

    prices: OfferedPrices


def as_product(table: type[Product], product_id: str, data: ProductInput, now: datetime) -> Product:
    """The row for what the site sends.

    Raises Problem where the two ids differ, for a currency that there is not, and for two prices
    in one currency.
    """
    if data.id not in (UNSET, product_id):
        raise invalid(
            "id", f"expected {product_id!r} as in the path, or nothing; it is {data.id!r}"
        )
    fields = {**msgspec.structs.asdict(data), "prices": _prices(data.prices)}
    return table(**{**fields, "id": product_id, "created_at": now})


def _prices(prices: tuple[Price, ...]) -> list[dict[str, int | str]]:
    amounts: dict[str, int] = {}
    for number, price in enumerate(prices):
        field = f"prices[{number}].currency"
        code = currency_code(price.currency)
        if code is None:
            raise invalid(field, f"{price.currency!r} is no currency of ISO 4217 in use today")
        if code in amounts:
            raise invalid(field, f"a second price in {code}: keep one a currency")
        amounts[code] = price.amount
    return [{"amount": amount, "currency": code} for code, amount in amounts.items()]


def to_response(product: object, answer: type[AnswerT]) -> AnswerT:
    return msgspec.convert(product, answer, from_attributes=True)
