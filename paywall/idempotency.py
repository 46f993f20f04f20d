"""`Idempotency-Key`: the key and its response are stored in the transaction of the effect."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.dialect import insert
from paywall.database.tables import IdempotencyKey
from paywall.http.bodies import JSON_MEDIA_TYPE, ResponseModel
from paywall.http.fields import ID_PATTERN
from paywall.problems import IDEMPOTENCY_KEY_REUSED, Problem, invalid
from paywall.tokens.guard import Caller

RETENTION = timedelta(hours=24)
HEADER = "Idempotency-Key"
_ID = re.compile(ID_PATTERN)


class IdempotencyClaim(NamedTuple):
    """A key as one caller sent it to one route with one body."""

    issuer: str
    subject: str
    route: str
    key: str
    request_sha256: str


async def claim_of(
    request: Request[Any, Any, Any], caller: NamedDependency[Caller]
) -> IdempotencyClaim | None:
    """The dependency `claim`: None if the caller sent no key."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    return make_claim(request, caller, key, await request.json() if await request.body() else None)


def make_claim(
    request: Request[Any, Any, Any], caller: Caller, key: str, body: object | None
) -> IdempotencyClaim:
    """A claim of this key for this request. Raises Problem for a key of the wrong form."""
    if not _ID.fullmatch(key):
        raise invalid(HEADER, "1 to 200 characters, such as a random UUID")
    canonical = b"" if body is None else msgspec.json.encode(body, order="sorted")
    return IdempotencyClaim(
        issuer=caller.issuer,
        subject=caller.subject,
        route=f"{request.method} {request.scope['path']}",
        key=key,
        request_sha256=hashlib.sha256(canonical).hexdigest(),
    )


async def stored_response(
    session: AsyncSession, claim: IdempotencyClaim | None, now: datetime, *, reader_id: str | None
) -> Response[Any] | None:
    """Claim the key: None if the request must still be executed, else the stored response.

    The insert of a concurrent duplicate waits for the first to commit; a second statement then
    reads its response. For requests to Stripe the key is committed before the response is known
    (see `processors/stripe/intents`). Raises Problem(IDEMPOTENCY_KEY_REUSED) for other JSON.
    """
    if claim is None or await _is_first(session, claim, now, reader_id):
        return None
    statement = select(IdempotencyKey).where(*_matches(claim))
    stored = (await session.exec(statement)).one()
    if stored.request_sha256 != claim.request_sha256:
        raise Problem(IDEMPOTENCY_KEY_REUSED)
    if stored.status is None:
        return None
    return Response(
        (stored.answer or "").encode(),
        status_code=stored.status,
        media_type=JSON_MEDIA_TYPE,
        headers={"Idempotent-Replay": "true"},
    )


async def _is_first(
    session: AsyncSession, claim: IdempotencyClaim, now: datetime, reader_id: str | None
) -> bool:
    claimed = insert(session, IdempotencyKey).values(
        caller_issuer=claim.issuer,
        caller_subject=claim.subject,
        route=claim.route,
        key=claim.key,
        request_sha256=claim.request_sha256,
        reader_id=reader_id,
        created_at=now,
    )
    claimed = claimed.on_conflict_do_update(
        index_elements=list(IdempotencyKey.__table__.primary_key),  # type: ignore[attr-defined]  # SQLModel hides it
        set_={
            "request_sha256": claimed.excluded.request_sha256,
            "reader_id": claimed.excluded.reader_id,
            "created_at": claimed.excluded.created_at,
            "status": None,
            "answer": None,
        },
        where=col(IdempotencyKey.created_at) <= now - RETENTION,
    )
    row = (await session.exec(claimed.returning(col(IdempotencyKey.key)))).first()
    return row is not None


async def store_response(
    session: AsyncSession, claim: IdempotencyClaim | None, status: int, answer: ResponseModel
) -> Response[Any]:
    """Store the response with its key, and return it; refusals are raised and never stored."""
    content = msgspec.json.encode(answer)
    if claim is not None:
        await session.exec(
            update(IdempotencyKey)
            .where(*_matches(claim))
            .values(status=status, answer=content.decode())
        )
    return Response(content, status_code=status, media_type=JSON_MEDIA_TYPE)


async def delete_old_keys(session: AsyncSession, now: datetime) -> int:
    """Housekeeping: delete keys past their retention; returns their number."""
    old = delete(IdempotencyKey).where(col(IdempotencyKey.created_at) <= now - RETENTION)
    return (await session.exec(old)).rowcount


def _matches(claim: IdempotencyClaim) -> tuple[Any, ...]:
    return (
        IdempotencyKey.caller_issuer == claim.issuer,
        IdempotencyKey.caller_subject == claim.subject,
        IdempotencyKey.route == claim.route,
        IdempotencyKey.key == claim.key,
    )
