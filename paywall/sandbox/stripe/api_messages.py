"""One request to the stand-in, and its answer."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json


class StandInRequest(NamedTuple):
    """A request; `form` is the body of a POST and the query of everything else."""

    method: str
    path: str
    form: str
    headers: Mapping[str, str]


class StandInResponse(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str]


def json_response(obj: Json) -> StandInResponse:
    """An object, as JSON."""
    return StandInResponse(HTTPStatus.OK, msgspec.json.encode(obj), {})


def error_response(refusal: ApiError) -> StandInResponse:
    """A refusal, as JSON."""
    return StandInResponse(refusal.status, msgspec.json.encode(refusal.body), {})
