"""A revoked token is refused at the very next request, and what it asked for with it."""

from datetime import datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import select

from paywall.database.driver import Rows, Statement, Values
from paywall.database.engine import Database
from paywall.database.tables import RevokedSubject, RevokedToken
from paywall.settings import Settings
from paywall.tokens.caller import TokenKind
from paywall.tokens.limits import SITE_LIFETIME_SECONDS_MAX
from paywall.tokens.mint import Minted
from paywall.tokens.revocation import Target, forget, is_revoked, revoke
from paywall.tokens.verify import Verifier
from tests.conftest import SetClock
from tests.tokens.conftest import Mint, with_token
from tests.tokens.forging import NAME, forge, header, issuer, payload, trusting

Service = httpx.AsyncClient


async def revoked(service: Service, mint: Mint, **body: object) -> httpx.Response:
    return await service.post(
        "/v1/tokens/revoke", json=body, headers=with_token(mint.site("admin", subject="operator"))
    )


async def reader_token(service: Service, token: Minted, reader_id: str = "reader-1") -> str:
    answer = await service.post(
        f"/v1/readers/{reader_id}/token", json={}, headers=with_token(token)
    )
    assert answer.status_code == 200, answer.text
    said: str = answer.json()["token"]
    return said


async def is_let_in(service: Service, token: Minted | str) -> bool:
    """Whether a reader token opens `/v1/me`, or a site token the route of readers' tokens."""
    is_site = isinstance(token, Minted)
    answer = await (
        service.post("/v1/readers/reader-1/token", json={}, headers=with_token(token))
        if is_site
        else service.get("/v1/me", headers=with_token(token))
    )
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert "revoked" in answer.json()["detail"]
    return answer.status_code == 200


async def test_a_revoked_token_ends_and_another_does_not(service: Service, mint: Mint) -> None:
    one, other = mint.site("readers:token"), mint.site("readers:token")
    assert await is_let_in(service, one)
    for _ in range(2):
        assert (await revoked(service, mint, token_id=one.token_id)).status_code == 204
    assert not await is_let_in(service, one)
    assert await is_let_in(service, other)


async def test_a_readers_token_dies_with_the_site_token_that_asked_for_it(
    service: Service, mint: Mint
) -> None:
    leaked, other = mint.site("readers:token"), mint.site("readers:token")
    theirs, ours = await reader_token(service, leaked), await reader_token(service, other)
    assert await is_let_in(service, theirs)
    await revoked(service, mint, token_id=leaked.token_id)
    assert not await is_let_in(service, theirs)
    assert await is_let_in(service, ours)


async def test_everything_of_a_subject_ends_and_what_comes_later_does_not(
    service: Service, mint: Mint, clock: SetClock
) -> None:
    old = mint.site("readers:token", subject="cms")
    asked_for = await reader_token(service, old)
    other = mint.site("readers:token", subject="another")
    for _ in range(2):
        assert (await revoked(service, mint, subject="cms")).status_code == 204
    assert not await is_let_in(service, old)
    assert not await is_let_in(service, asked_for)
    assert await is_let_in(service, other)
    clock.move(seconds=1)
    new = mint.site("readers:token", subject="cms")
    assert await is_let_in(service, new)
    assert await is_let_in(service, await reader_token(service, new))
    assert not await is_let_in(service, old)


async def test_a_reader_can_be_signed_out_everywhere(service: Service, mint: Mint) -> None:
    site = mint.site("readers:token")
    theirs = await reader_token(service, site, "ann"), mint.reader("ann").token
    await revoked(service, mint, subject="ann")
    assert [await is_let_in(service, token) for token in theirs] == [False, False]
    assert await is_let_in(service, await reader_token(service, site, "ben"))


async def test_a_revocation_is_before_a_time_and_the_later_time_holds(
    service: Service, mint: Mint, clock: SetClock
) -> None:
    first = mint.site("readers:token", subject="cms")
    between = clock.move(seconds=10)
    second = mint.site("readers:token", subject="cms")
    await revoked(service, mint, subject="cms", issued_before=between.isoformat())
    assert not await is_let_in(service, first)
    assert await is_let_in(service, second)
    await revoked(service, mint, subject="cms")
    earlier = (between - timedelta(hours=1)).isoformat()
    await revoked(service, mint, subject="cms", issued_before=earlier)
    assert not await is_let_in(service, second)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "token_id"),
        ({"token_id": "a", "subject": "b"}, "token_id"),
        ({"token_id": "a", "issued_before": "2026-01-01T00:00:00Z"}, "issued_before"),
        ({"subject": "a", "issued_before": "2027-01-01T00:00:00Z"}, "issued_before"),
        ({"subject": "a", "issued_before": "2026-01-01T00:00:00"}, "issued_before"),
        ({"token_id": "a", "issuer": "https://evil.example"}, "issuer"),
        ({"token_id": "a/b"}, "token_id"),
        ({"subject": ""}, "subject"),
        ({"token": "a"}, "token"),
    ],
)
async def test_a_revocation_that_cannot_be_meant_names_the_field(
    service: Service, mint: Mint, body: dict[str, object], field: str
) -> None:
    answer = await revoked(service, mint, **body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


class Counting(Database):
    """Counts the single statements that it is asked."""

    fetches = 0

    async def fetch_once(self, statement: Statement, values: Values) -> Rows:
        self.fetches += 1
        return await super().fetch_once(statement, values)


async def test_it_takes_one_statement_to_know(
    service: Service, mint: Mint, settings: Settings
) -> None:
    token = await reader_token(service, mint.site("readers:token"))
    caller = await mint.verifier.verify(token, TokenKind.READER)
    assert caller.asked_by is not None
    beside = Counting(settings, for_writing=False)
    try:
        assert not await is_revoked(beside, caller)
    finally:
        await beside.close()
    assert beside.fetches == 1


async def test_a_foreign_clock_ahead_saves_no_token(
    database: Database, clock: SetClock, tmp_path: object
) -> None:
    verifier = Verifier(trusting(tmp_path, issuer()), clock)
    now = clock.now()
    ahead = int(now.timestamp()) + 30
    caller = await verifier.verify(forge(body=payload(iat=ahead)), TokenKind.SITE)
    async with database.writing() as session:
        await revoke(session, verifier.issuers, Target(NAME, subject="someone"), now)
    assert await is_revoked(database, caller)
    other = await verifier.verify(
        forge(header("EdDSA", "reader"), payload("reader", sub="other")), TokenKind.READER
    )
    assert not await is_revoked(database, other)


async def test_a_revocation_is_forgotten_when_no_such_token_can_live(
    database: Database, clock: SetClock, tmp_path: object
) -> None:
    issuers = Verifier(trusting(tmp_path, issuer(longest_lifetime_seconds=3600)), clock).issuers
    now = clock.now()
    async with database.writing() as session:
        await revoke(session, issuers, Target(NAME, token_id="short"), now)
        await revoke(session, issuers, Target(NAME, subject="short", issued_before=now), now)
        await revoke(session, issuers, Target(token_id="long"), now)
        await revoke(session, issuers, Target(subject="long", issued_before=now), now)
    gone = now + timedelta(seconds=3600 + 60)
    assert await _forget(database, gone - timedelta(microseconds=1)) == (0, 2, 2)
    assert await _forget(database, gone) == (2, 1, 1)
    gone = now + timedelta(seconds=SITE_LIFETIME_SECONDS_MAX + 60)
    assert await _forget(database, gone - timedelta(microseconds=1)) == (0, 1, 1)
    assert await _forget(database, gone) == (2, 0, 0)


async def _forget(database: Database, now: datetime) -> tuple[int, int, int]:
    async with database.writing() as session:
        forgotten = await forget(session, now)
        left = [
            (await session.exec(select(sa.func.count()).select_from(table))).one()
            for table in (RevokedToken, RevokedSubject)
        ]
    return (forgotten, left[0], left[1])
