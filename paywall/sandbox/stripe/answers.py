"""One request to the stand-in, and its answer."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.shapes import Json


class Asked(NamedTuple):
    """A request; `form` is the body of a POST and the query of everything else."""

    method: str
    path: str
    form: str
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str]


def answered(thing: Json) -> Answer:
    """An object, as JSON."""
    return Answer(HTTPStatus.OK, msgspec.json.encode(thing), {})


def refused(refusal: Refusal) -> Answer:
    """A refusal, as JSON."""
    return Answer(refusal.status, msgspec.json.encode(refusal.body), {})
