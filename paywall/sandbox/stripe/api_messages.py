"""A request to the stand-in's API, and the response to it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json


class StandInRequest(NamedTuple):
    """A request; `form` is the body of a POST, and the query string of other methods."""

    method: str
    path: str
    form: str
    headers: Mapping[str, str]


class StandInResponse(NamedTuple):
    """Status, body and headers."""

    status: int
    body: bytes
    headers: dict[str, str]


def json_response(obj: Json) -> StandInResponse:
    """An object, as JSON."""
    return StandInResponse(HTTPStatus.OK, msgspec.json.encode(obj), {})


def error_response(error: ApiError) -> StandInResponse:
    """An error, as JSON."""
    return StandInResponse(error.status, msgspec.json.encode(error.body), {})
