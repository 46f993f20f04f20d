"""Stripe's objects as JSON, and how an empty one of each kind looks."""

from importlib.resources import files
from typing import Any

import msgspec

# Stripe's objects are open JSON documents: which fields they have is checked in the tests.
Json = dict[str, Any]

# Made from Stripe's own OpenAPI document: every field that is always printed, null where unset.
_EMPTY_OBJECTS: dict[str, msgspec.Raw] = msgspec.json.decode(
    files("paywall.sandbox.stripe").joinpath("blanks.json").read_bytes(),
    type=dict[str, msgspec.Raw],
)


def empty_object(object_type: str) -> Json:
    """A new, empty object of this kind (`customer`, `checkout.session`, …)."""
    made: Json = msgspec.json.decode(_EMPTY_OBJECTS[object_type])
    return made


def copy_object(obj: Json) -> Json:
    """The same object, on which later changes have no effect."""
    copied: Json = msgspec.json.decode(msgspec.json.encode(obj))
    return copied


def list_object(rows: list[Json], url: str, *, has_more: bool = False) -> Json:
    """Stripe's envelope around several objects."""
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}
