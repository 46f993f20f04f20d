"""Bodies of requests: JSON in UTF-8, strictly typed, unknown fields refused."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, get_args

import msgspec
from litestar import Request
from litestar.types import Empty
from msgspec.inspect import (
    BoolType,
    DateTimeType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    UnionType,
)

from paywall import problems
from paywall.http.fields import in_words
from paywall.problems import (
    FIELD_CHARS_MAX,
    FieldError,
    Problem,
    invalid,
    invalid_fields,
    shortened,
)

JSON_MEDIA_TYPE = "application/json"
# How msgspec begins a message that repeats a name or a value of the body, however long.
QUOTES_THE_INPUT = ("Object contains unknown field ", "Invalid enum value ", "Invalid value ")
BODY_BYTES_MAX = 1024 * 1024
ARTICLE_BYTES_MAX = 4 * 1024 * 1024


class RequestModel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The shape of a request's body; a class of its own, never a table. Its times are in UTC."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime):
                setattr(self, name, _in_utc(name, value))


def _in_utc(name: str, at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise invalid(name, "a time between the years 1 and 9999 in UTC") from error


class ResponseModel(msgspec.Struct, kw_only=True):
    """The shape of an answer's body; a class of its own, never a table."""


class StrictRequest(Request[Any, Any, Any]):
    """Litestar's request, but with bodies decoded to their shape without any coercion.

    Litestar itself would take `"5"` for 5, and any media type for JSON.
    """

    async def json(self) -> Any:
        if self._json is Empty:
            field = self.route_handler.parsed_data_field
            shape = Any if field is None else _without_none(field.annotation)
            self._json = decode(await self.body(), self.headers.get("content-type"), shape)
        return self._json


def _without_none(shape: Any) -> Any:
    """The shape of a body that may be left out: where one is sent, it is no null."""
    return next(iter(get_args(shape)), shape) if type(None) in get_args(shape) else shape


def decode(body: bytes, content_type: str | None, shape: Any) -> Any:
    """Decode a body to its shape; raises Problem with the path of each wrong field."""
    if (content_type or "").partition(";")[0].strip().lower() != JSON_MEDIA_TYPE:
        raise Problem(problems.MEDIA_TYPE_UNSUPPORTED)
    try:
        decoded = msgspec.json.decode(body, type=shape)
        if not has_each_key_once(body, keys_of(shape)):
            json.loads(body, object_pairs_hook=_each_key_once)
    except msgspec.ValidationError as error:
        raise _wrong_fields(body, shape, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(
            problems.MALFORMED, f"The body is not valid JSON in UTF-8: {error}."
        ) from error
    except RecursionError as error:
        raise Problem(problems.MALFORMED, "The body is nested too deeply.") from error
    return decoded


def has_each_key_once(body: bytes, keys: Sequence[bytes] | None) -> bool:
    """Whether a decoded body plainly has no key twice; False: look at it closely.

    Without a backslash a key is spelled in one way only.
    """
    if keys is None or b"\\" in body:
        return False
    for key in keys:  # noqa: SIM110 (a generator for all() takes three times as long)
        if body.count(key) > 1:
            return False
    return True


@cache
def keys_of(shape: Any) -> Sequence[bytes] | None:
    """All keys that a body of this shape can have, in quotes; None where there is no knowing."""
    described = msgspec.inspect.type_info(shape)
    if not isinstance(described, StructType) or not all(
        _is_plain(field.type) for field in described.fields
    ):
        return None
    return [f'"{field.encode_name}"'.encode() for field in described.fields]


def _is_plain(described: msgspec.inspect.Type) -> bool:
    """No object, with keys of its own, is in it."""
    match described:
        case UnionType(types=types):
            return all(map(_is_plain, types))
        case Metadata(type=inner):
            return _is_plain(inner)
        case StrType() | BoolType() | IntType() | FloatType() | NoneType() | DateTimeType():
            return True
        case EnumType():
            return True
        case ListType(item_type=item):
            return _is_plain(item)
        case _:
            return False


def _each_key_once(pairs: list[tuple[str, object]]) -> None:
    """Msgspec takes the last of two equal keys; a proxy before us may have judged the first."""
    names = set()
    for name, _ in pairs:
        if name in names:
            raise invalid(name, "sent twice; send it once")
        names.add(name)


def _wrong_fields(body: bytes, shape: Any, first: msgspec.ValidationError) -> Problem:
    """Msgspec stops at the first wrong field; a refusal names them all."""
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem(problems.MALFORMED, f"The body is not valid JSON in UTF-8: {error}.")
    # A body that may be left out has the shape `Shape | None`.
    struct = next(iter(get_args(shape)), shape)
    if isinstance(values, dict) and isinstance(struct, type) and issubclass(struct, msgspec.Struct):
        errors = wrong_fields(values, struct)
        if (found := next(errors, None)) is not None:
            return invalid_fields(chain([found], errors))
    return invalid_fields([field_error(str(first))])


def wrong_fields(values: dict[str, Any], shape: type[msgspec.Struct]) -> Iterator[FieldError]:
    """Every field of a shape that these decoded values have wrong, lack, or have too much.

    Unknown ones come last: there can be any number of them.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name, field in fields.items():
        if name not in values:
            if field.required:
                yield FieldError(name, "missing")
            continue
        try:
            msgspec.convert(values[name], field.type)
        except msgspec.ValidationError as error:
            yield field_error(f"{error}", name, _choices(field.type))
    yield from (
        FieldError(name, "unknown field; remove it") for name in values if name not in fields
    )


def _choices(kind: Any) -> list[str]:
    """The values of an enumeration, wherever it stands in a field's type."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return list(kind)
    return [choice for inner in get_args(kind) for choice in _choices(inner)]


def field_error(message: str, name: str = "", choices: Sequence[str] = ()) -> FieldError:
    """Read msgspec's `Expected … - at `$.tags[2]``."""
    detail, _, path = message.partition(" - at `")
    for opening in QUOTES_THE_INPUT:
        if detail.startswith(opening):
            quoted = detail.removeprefix(opening)
            detail = f"{opening}{shortened(quoted, FIELD_CHARS_MAX)}"
    if detail.startswith("Invalid enum value") and choices:
        detail = f"{detail}: expected one of {', '.join(choices)}"
    return FieldError(
        f"{name}{path.rstrip('`').removeprefix('$')}".removeprefix("."), in_words(detail)
    )
