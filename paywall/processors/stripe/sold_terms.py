"""The catalogue as Stripe sells it: each price keeps the terms on which it was sold."""

from typing import Any

import msgspec

from paywall.database.tables import Pack, Pass, Plan, StripePrice
from paywall.payments.purchase import Product
from paywall.rules.enums import CreditsExpire, Interval, ProductKind

TERMS = {
    ProductKind.PACK: ("credits", "expires_after_days"),
    ProductKind.PASS: ("days",),
    ProductKind.PLAN: ("interval", "interval_count", "credits", "credits_expire"),
}
"""What of a product is sold: where one of these changes, it gets a new price."""


def kind_of(product: Product) -> ProductKind:
    match product:
        case Pack():
            return ProductKind.PACK
        case Pass():
            return ProductKind.PASS
        case Plan():
            return ProductKind.PLAN


def terms_of(product: Product) -> dict[str, Any]:
    """The terms of a product, as they are kept with its price."""
    terms = {name: getattr(product, name) for name in TERMS[kind_of(product)]}
    plain: dict[str, Any] = msgspec.to_builtins(terms)
    return plain


def sold(price: StripePrice) -> Product:
    """The product as it was when this price was made; it is not in the catalogue."""
    named: dict[str, Any] = {"id": price.product_id, "created_at": price.created_at}
    named |= {"title": "", "prices": []}
    terms = price.terms
    match price.product_kind:
        case ProductKind.PACK:
            return Pack(**named, **terms)
        case ProductKind.PASS:
            return Pass(**named, **terms)
        case ProductKind.PLAN:
            return Plan(
                **named,
                interval=Interval(terms["interval"]),
                interval_count=terms["interval_count"],
                credits=terms["credits"],
                credits_expire=CreditsExpire(terms["credits_expire"]),
            )
