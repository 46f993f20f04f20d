"""A product as it was sold: editing or deleting it in the catalogue changes nothing of it."""

from typing import Any

from paywall.catalogue.products import TABLES, Product
from paywall.rules.enums import ProductKind


def terms_of(product: Product) -> dict[str, Any]:
    """All fields of a product, for a column of JSON."""
    return product.model_dump(mode="json")


def product_as_sold(kind: ProductKind, terms: dict[str, Any]) -> Product:
    """The product with these terms; it is not a row of the catalogue."""
    return TABLES[kind].model_validate(terms)
