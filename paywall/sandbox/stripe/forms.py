"""Decodes Stripe's bracketed forms (`line_items[0][price]=…`), and reads values from them."""

import re
from urllib.parse import parse_qsl

from paywall.sandbox.stripe.errors import invalid_parameter, missing_parameter
from paywall.sandbox.stripe.objects import Json

_PART = re.compile(r"[^\[\]]+|(?<=\[)(?=\])")


def decode_form(raw: str) -> Json:
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


def optional_text(params: Json, name: str) -> str | None:
    """The value, or None where it is absent or empty."""
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_parameter(name, f"Invalid string: {name}")
    return value or None


def required_text(params: Json, name: str) -> str:
    """The value; raises ApiError where it is absent or empty."""
    value = optional_text(params, name)
    if value is None:
        raise missing_parameter(name)
    return value


def optional_integer(params: Json, name: str) -> int | None:
    """The integer, or None where it is absent or empty."""
    value = optional_text(params, name)
    try:
        return None if value is None else int(value)
    except ValueError:
        raise invalid_parameter(name, f"Invalid integer: {value}") from None


def optional_boolean(params: Json, name: str) -> bool | None:
    """The `true` or `false`, or None where it is absent or empty."""
    value = optional_text(params, name)
    if value not in {None, "true", "false"}:
        raise invalid_parameter(name, f"Invalid boolean: {value}")
    return None if value is None else value == "true"


def nested_object(params: Json, name: str) -> Json:
    """The fields under this name; empty where it is absent."""
    value = params.get(name) or {}
    if not isinstance(value, dict):
        raise invalid_parameter(name, f"Invalid object: {name}")
    return value


def object_list(params: Json, name: str) -> list[Json]:
    """The list of objects under this name; empty where it is absent."""
    value = params.get(name) or []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise invalid_parameter(name, f"Invalid array: {name}")
    return value


def merge_metadata(metadata: Json, params: Json) -> Json:
    """Metadata after an update: an empty value removes its key."""
    changes = nested_object(params, "metadata")
    return {key: value for key, value in {**metadata, **changes}.items() if value != ""}
