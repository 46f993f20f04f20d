"""Static files: compressed once, with ETags and conditional requests."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from litestar import Request, Response
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

CODING = re.compile(r"\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*([0-9.]{1,5})\s*)?", re.IGNORECASE)
# Content codings that are read of one Accept-Encoding.
CODINGS_MAX = 20
TAGS_MAX = 20
VARY = "accept-encoding"


class Representation(NamedTuple):
    """The bytes of a file in one content coding."""

    content: bytes
    etag: str


class Asset(NamedTuple):
    """A file in both representations, each with its own ETag (RFC 9110 §8.8.3)."""

    media_type: str
    plain: Representation
    zipped: Representation


def asset(content: bytes, media_type: str) -> Asset:
    """Compress a file and compute its ETags from the content."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    return Asset(
        media_type,
        Representation(content, f'"{digest}"'),
        Representation(gzip.compress(content, mtime=0), f'"{digest}-gzip"'),
    )


def respond(
    request: Request[Any, Any, Any], served: Asset, headers: Mapping[str, str]
) -> Response[bytes]:
    """Respond with the representation that the client accepts, or 304 if it has that one."""
    is_zipped = takes_gzip(request.headers.get("accept-encoding", ""))
    chosen = served.zipped if is_zipped else served.plain
    # The edge adds this header after CORS, which sets its own Vary.
    request.scope["state"]["vary"] = VARY
    sent = {**headers, "ETag": chosen.etag}
    if _has(request.headers.get("if-none-match", ""), chosen.etag):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=sent)
    if is_zipped:
        sent["Content-Encoding"] = "gzip"
    return Response(
        chosen.content, status_code=HTTP_200_OK, media_type=served.media_type, headers=sent
    )


def takes_gzip(accept_encoding: str) -> bool:
    """Whether the client accepts gzip and does not prefer identity (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for part in accept_encoding.split(",", CODINGS_MAX)[:CODINGS_MAX]:
        if coding := CODING.fullmatch(part):
            name = coding[1].lower().removeprefix("x-")
            weights.setdefault(name, _weight(coding[2]))
    zipped = weights.get("gzip", weights.get("*", 0.0))
    return zipped > 0 and zipped >= weights.get("identity", 0.0)


def _weight(text: str | None) -> float:
    try:
        return 1.0 if text is None else float(text)
    except ValueError:
        return 0.0


def _has(if_none_match: str, etag: str) -> bool:
    """Whether the client has this ETag, by weak comparison (RFC 9110 §13.1.2)."""
    tags = if_none_match.split(",", TAGS_MAX)[:TAGS_MAX]
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in tags)
