"""Request bodies: JSON in UTF-8, decoded strictly to their model; unknown fields are refused."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, Self, TypeVar, get_args

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
from paywall.http.fields import describe_pattern
from paywall.problem_types import FIELD_CHARS_MAX, FieldError, truncate
from paywall.problems import (
    Problem,
    invalid,
    invalid_fields,
)

M = TypeVar("M", bound="RequestModel")
JSON_MEDIA_TYPE = "application/json"
# The beginnings of msgspec's messages that quote a name or a value of the body.
QUOTING_MESSAGES = ("Object contains unknown field ", "Invalid enum value ", "Invalid value ")
BODY_BYTES_MAX = 1024 * 1024
ARTICLE_BYTES_MAX = 4 * 1024 * 1024


class RequestModel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base class of request bodies; times are converted to UTC."""

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
    """Base class of response bodies."""

    @classmethod
    def from_row(cls, row: object, **own: Any) -> Self:
        """Each field from the row's attribute of the same name, or from the keyword argument."""
        names = cls.__struct_fields__
        return cls(**{name: own[name] if name in own else getattr(row, name) for name in names})


class StrictRequest(Request[Any, Any, Any]):
    """Litestar's request, with bodies decoded without type coercion.

    Litestar itself would accept `"5"` for 5, and any media type as JSON.
    """

    async def json(self) -> Any:
        if self._json is Empty:
            field = self.route_handler.parsed_data_field
            model = Any if field is None else _without_none(field.annotation)
            self._json = decode(await self.body(), self.headers.get("content-type"), model)
        return self._json


def _without_none(model: Any) -> Any:
    """The model of an optional body; a body that is sent must not be null."""
    return next(iter(get_args(model)), model) if type(None) in get_args(model) else model


def decode(body: bytes, content_type: str | None, model: Any) -> Any:
    """Decode a body to its model; raises Problem with the path of each wrong field."""
    if (content_type or "").partition(";")[0].strip().lower() != JSON_MEDIA_TYPE:
        raise Problem(problems.MEDIA_TYPE_UNSUPPORTED)
    try:
        decoded = _to_model(body, model)
        if not has_unique_keys(body, keys_of(model)):
            json.loads(body, object_pairs_hook=_refuse_duplicate_keys)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(
            problems.MALFORMED, f"The body is not valid JSON in UTF-8: {error}."
        ) from error
    except RecursionError as error:
        raise Problem(problems.MALFORMED, "The body is nested too deeply.") from error
    return decoded


def _to_model(body: bytes, model: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=model)
    except (msgspec.ValidationError, Problem) as error:
        raise _wrong_fields(body, model, error) from error


def convert(values: Mapping[str, object], model: type[M]) -> M:
    """The fields of a form as the model of a body; raises Problem for a wrong field."""
    try:
        return msgspec.convert(values, model)
    except msgspec.ValidationError as error:
        raise invalid_fields([field_error(f"{error}")]) from error


def has_unique_keys(body: bytes, keys: Sequence[bytes] | None) -> bool:
    """Whether a decoded body certainly has no duplicate key; False means: check it fully.

    Without a backslash in the body, each key has only one spelling.
    """
    if keys is None or b"\\" in body:
        return False
    for key in keys:  # noqa: SIM110 (a generator for all() takes three times as long)
        if body.count(key) > 1:
            return False
    return True


@cache
def keys_of(model: Any) -> Sequence[bytes] | None:
    """All keys that a body of this model can have, in quotes; None if nested keys are possible."""
    described = msgspec.inspect.type_info(model)
    if not isinstance(described, StructType) or not all(
        _is_plain(field.type) for field in described.fields
    ):
        return None
    return [f'"{field.encode_name}"'.encode() for field in described.fields]


def _is_plain(described: msgspec.inspect.Type) -> bool:
    """Whether the type contains no object with keys of its own."""
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


def _refuse_duplicate_keys(pairs: list[tuple[str, object]]) -> None:
    """Refuse duplicate keys: msgspec uses the last one, but a proxy may have used the first."""
    names = set()
    for name, _ in pairs:
        if name in names:
            raise invalid(name, "sent twice; send it once")
        names.add(name)


def _wrong_fields(body: bytes, model: Any, first: msgspec.ValidationError | Problem) -> Problem:
    """Build a problem that names all wrong fields, since msgspec stops at the first one."""
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem(problems.MALFORMED, f"The body is not valid JSON in UTF-8: {error}.")
    # The model of an optional body is `Model | None`.
    struct = next(iter(get_args(model)), model)
    if isinstance(values, dict) and isinstance(struct, type) and issubclass(struct, msgspec.Struct):
        errors = wrong_fields(values, struct)
        if (found := next(errors, None)) is not None:
            return invalid_fields(chain([found], errors))
    return first if isinstance(first, Problem) else invalid_fields([field_error(str(first))])


def wrong_fields(values: dict[str, Any], model: type[msgspec.Struct]) -> Iterator[FieldError]:
    """Every wrong, missing or unknown field of these decoded values.

    Unknown fields come last, because there can be any number of them.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    for name, field in fields.items():
        if name not in values:
            if field.required:
                yield FieldError(name, "missing")
            continue
        errors = _wrong_items(name, values[name], field.type)
        if (found := next(errors, None)) is not None:
            yield found
            yield from errors
            continue
        try:
            msgspec.convert(values[name], field.type)
        except msgspec.ValidationError as error:
            yield field_error(f"{error}", name, enum_choices(field.type))
    yield from (
        FieldError(name, "unknown field; remove it") for name in values if name not in fields
    )


def _wrong_items(name: str, items: Any, kind: Any) -> Iterator[FieldError]:
    """What is wrong with each item of a list of models; the list's length is not checked."""
    model = _model_of_items(msgspec.inspect.type_info(kind))
    if model is None or not isinstance(items, list):
        return
    for number, item in enumerate(items):
        for error in _wrong_item(item, model):
            field = f"{name}[{number}].{error.field}".removesuffix(".")
            yield FieldError(field, error.detail)


def _wrong_item(item: Any, model: type[msgspec.Struct]) -> Iterator[FieldError]:
    errors = wrong_fields(item, model) if isinstance(item, dict) else iter(())
    if (found := next(errors, None)) is not None:
        yield found
        yield from errors
        return
    try:
        msgspec.convert(item, model)
    except msgspec.ValidationError as error:
        yield field_error(f"{error}")
    except Problem as problem:
        yield from problem.errors


def _model_of_items(described: msgspec.inspect.Type) -> type[msgspec.Struct] | None:
    """The model of the items, if the type is a list of models."""
    match described:
        case Metadata(type=inner):
            return _model_of_items(inner)
        case ListType(item_type=StructType(cls=model)):
            return model
        case _:
            return None


def enum_choices(kind: Any) -> list[str]:
    """The values of an enumeration anywhere in a field's type."""
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return list(kind)
    return [choice for inner in get_args(kind) for choice in enum_choices(inner)]


def field_error(message: str, name: str = "", choices: Sequence[str] = ()) -> FieldError:
    """Parse msgspec's message ``Expected … - at `$.tags[2]` ``."""
    detail, _, path = message.partition(" - at `")
    for opening in QUOTING_MESSAGES:
        if detail.startswith(opening):
            quoted = detail.removeprefix(opening)
            detail = f"{opening}{truncate(quoted, FIELD_CHARS_MAX)}"
    if detail.startswith("Invalid enum value") and choices:
        detail = f"{detail}: expected one of {', '.join(choices)}"
    return FieldError(
        f"{name}{path.rstrip('`').removeprefix('$')}".removeprefix("."), describe_pattern(detail)
    )
