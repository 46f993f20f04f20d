"""Decodes a token's compact form: three base64url segments, two of them JSON (RFC 7515 §7.1).

PyJWT takes the last of two equal keys, padding, and UTF-16; nothing of that is taken here.
"""

import base64
import json
import re
from typing import NamedTuple

from paywall.problems import invalid_token
from paywall.tokens.limits import TOKEN_BYTES_MAX

SEGMENTS = 3
BASE64URL = re.compile(rb"[A-Za-z0-9_-]+\Z")


class Compact(NamedTuple):
    """A decoded token, not verified yet."""

    header: dict[str, object]
    payload: dict[str, object]


def read_compact(token: bytes) -> Compact:
    """Decode a token; raises Problem for anything that is not exactly a signed JWT."""
    if len(token) > TOKEN_BYTES_MAX:
        raise invalid_token(f"The token is longer than {TOKEN_BYTES_MAX} bytes.")
    segments = token.split(b".")
    if len(segments) != SEGMENTS or not all(BASE64URL.match(segment) for segment in segments):
        raise invalid_token(
            "The token is not a signed JWT: three segments of base64url without padding, with dots"
            " between them."
        )
    return Compact(_object(segments[0], "header"), _object(segments[1], "payload"))


def _object(segment: bytes, name: str) -> dict[str, object]:
    try:
        value: object = json.loads(
            base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)).decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise invalid_token(
            f"The token's {name} is not JSON in UTF-8 with each key once, encoded as base64url."
        ) from error
    if not isinstance(value, dict):
        raise invalid_token(f"The token's {name} is not a JSON object.")
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key comes twice")
    return values


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
