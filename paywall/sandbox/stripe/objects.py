"""Stripe's objects as JSON, with an empty one of each type."""

from importlib.resources import files
from typing import Any

import msgspec

# Stripe's objects are open JSON documents: the tests check which fields they have.
Json = dict[str, Any]

# From Stripe's OpenAPI document: every field that is always returned, null where unset.
_EMPTY_OBJECTS: dict[str, msgspec.Raw] = msgspec.json.decode(
    files("paywall.sandbox.stripe").joinpath("empty_objects.json").read_bytes(),
    type=dict[str, msgspec.Raw],
)


def empty_object(object_type: str) -> Json:
    """A new, empty object of this type (`customer`, `checkout.session`, …)."""
    obj: Json = msgspec.json.decode(_EMPTY_OBJECTS[object_type])
    return obj


def copy_object(obj: Json) -> Json:
    """A deep copy of the object."""
    copied: Json = msgspec.json.decode(msgspec.json.encode(obj))
    return copied


def list_object(rows: list[Json], url: str, *, has_more: bool = False) -> Json:
    """Stripe's list object with these rows."""
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}
