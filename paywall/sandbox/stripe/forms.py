"""Stripe's bracketed forms (`line_items[0][price]=…`) as nested values, and how to read them."""

import re
from urllib.parse import parse_qsl

from paywall.sandbox.stripe.refusal import invalid, missing
from paywall.sandbox.stripe.shapes import Json

_PART = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def decoded(raw: str) -> Json:
    """The form as dictionaries and lists of strings; an empty string unsets a field."""
    root: Json = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        *path, last = _PART.findall(name)
        inner = root
        for part in path:
            inner = inner.setdefault(part, {})
        if last:
            inner[last] = value
        else:
            inner.setdefault("", []).append(value)
    return {name: _with_lists(value) for name, value in root.items()}


def _with_lists(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if set(value) == {""}:
        return value[""]
    if value and all(name.isdecimal() for name in value):
        return [_with_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _with_lists(inner) for name, inner in value.items()}


def text(given: Json, name: str) -> str | None:
    """The value, or None where it is absent or empty."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(name, f"Invalid string: {name}")
    return value or None


def required(given: Json, name: str) -> str:
    """The value, which must be there."""
    value = text(given, name)
    if value is None:
        raise missing(name)
    return value


def integer(given: Json, name: str) -> int | None:
    """The whole number, or None where it is absent or empty."""
    value = text(given, name)
    try:
        return None if value is None else int(value)
    except ValueError:
        raise invalid(name, f"Invalid integer: {value}") from None


def truth(given: Json, name: str) -> bool | None:
    """The `true` or `false`, or None where it is absent or empty."""
    value = text(given, name)
    if value not in {None, "true", "false"}:
        raise invalid(name, f"Invalid boolean: {value}")
    return None if value is None else value == "true"


def nested(given: Json, name: str) -> Json:
    """The fields under this name; none where it is absent or empty."""
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise invalid(name, f"Invalid object: {name}")
    return value


def rows(given: Json, name: str) -> list[Json]:
    """The list of objects under this name."""
    value = given.get(name) or []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise invalid(name, f"Invalid array: {name}")
    return value


def merged(metadata: Json, given: Json) -> Json:
    """Metadata after an update: an empty value takes its key away."""
    changes = nested(given, "metadata")
    return {key: value for key, value in {**metadata, **changes}.items() if value != ""}
