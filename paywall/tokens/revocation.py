"""Revocation of one token, or of all tokens of a subject that were issued before a time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.sqltypes import UTCDateTime

from paywall.database.dialect import insert
from paywall.database.engine import Database
from paywall.database.json_rows import JsonRows, encode_rows, json_rows, to_db
from paywall.database.tables import RevokedSubject, RevokedToken
from paywall.problems import Problem, invalid, invalid_token
from paywall.tokens.caller import AskedBy, Caller
from paywall.tokens.issuers import OWN_NAME, TrustedIssuer
from paywall.tokens.limits import LEEWAY

TOKENS = "tokens"


class Target(NamedTuple):
    """One token by its id, or all tokens of a subject that were issued before a time."""

    issuer: str = OWN_NAME
    token_id: str | None = None
    subject: str | None = None
    # None means now.
    issued_before: datetime | None = None


async def revoke(
    session: AsyncSession, issuers: Mapping[str, TrustedIssuer], target: Target, now: datetime
) -> None:
    """Revoke tokens, and the reader tokens that were minted with them.

    Raises Problem where the target is not exactly one of the two, or of an unknown issuer.
    """
    issuer = issuers.get(target.issuer)
    if issuer is None:
        raise invalid("issuer", f"not trusted here; use one of: {', '.join(issuers)}")
    if (target.token_id is None) == (target.subject is None):
        raise invalid("token_id", "send either token_id or subject, and not both")
    if target.subject is not None:
        before = _issued_before(target.issued_before, issuer, now)
        await _revoke_subject(session, issuer, target.subject, before)
    elif target.issued_before is not None:
        raise invalid("issued_before", "goes with subject alone; leave it out")
    elif target.token_id is not None:
        await _revoke_token(session, issuer, target.token_id, now)


def _issued_before(requested: datetime | None, issuer: TrustedIssuer, now: datetime) -> datetime:
    """The given time, or by default a time after every token that can exist now.

    Other issuers mostly use whole seconds, and their clocks may be ahead by the leeway.
    """
    whole = now.replace(microsecond=0) + timedelta(seconds=1)
    latest = now + datetime.resolution if issuer.name == OWN_NAME else whole + LEEWAY
    if requested is not None and requested > latest:
        raise invalid("issued_before", "lies in the future; leave it out to mean now")
    return requested or latest


async def _revoke_token(
    session: AsyncSession, issuer: TrustedIssuer, token_id: str, now: datetime
) -> None:
    row = insert(session, RevokedToken).values(
        issuer=issuer.name, token_id=token_id, forget_at=_all_ended_at(issuer, now)
    )
    await session.exec(row.on_conflict_do_nothing())


async def _revoke_subject(
    session: AsyncSession, issuer: TrustedIssuer, subject: str, issued_before: datetime
) -> None:
    row = insert(session, RevokedSubject).values(
        issuer=issuer.name,
        subject=subject,
        issued_before=issued_before,
        forget_at=_all_ended_at(issuer, issued_before),
    )
    new = row.excluded
    await session.exec(
        row.on_conflict_do_update(
            index_elements=["issuer", "subject"],
            set_={"issued_before": new.issued_before, "forget_at": new.forget_at},
            # In any order of requests, the later time wins.
            where=col(RevokedSubject.issued_before) < new.issued_before,
        )
    )


async def is_revoked(database: Database, caller: Caller) -> bool:
    """Whether the caller's token, or the site token that minted it, was revoked."""
    dialect = database.dialect
    tokens = {TOKENS: _tokens_of(caller, dialect)}
    ((revoked,),) = await database.fetch_once(_any_revoked(dialect), tokens)
    return revoked is not None


async def refuse_revoked(session: AsyncSession, caller: Caller, dialect: str) -> None:
    """As `is_revoked`, in the snapshot of a reading; raises Problem (INVALID_TOKEN)."""
    tokens = {TOKENS: _tokens_of(caller, dialect)}
    connection = await session.connection()
    if (await connection.execute(_any_revoked(dialect), tokens)).scalar_one() is not None:
        raise was_revoked()


def _tokens_of(caller: Caller, dialect: str) -> str:
    rows = [token_columns(caller, dialect)]
    if caller.asked_by is not None:
        rows.append(token_columns(caller.asked_by, dialect))
    return encode_rows(rows)


def was_revoked() -> Problem:
    return invalid_token("The token was revoked: get a new one.")


@cache
def _any_revoked(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(revoked_among(tokens_on(dialect)))


@cache
def tokens_on(dialect: str) -> JsonRows:
    """The tokens that a statement checks, as rows of `token_columns`."""
    text = sa.Text()
    return json_rows(
        dialect, TOKENS, issuer=text, token_id=text, subject=text, issued_at=UTCDateTime()
    )


def token_columns(token: Caller | AskedBy, dialect: str) -> tuple[str, str, str, object]:
    return token.issuer, token.token_id, token.subject, to_db(dialect, token.issued_at)


def revoked_among(tokens: JsonRows) -> sa.ScalarSelect[str]:
    """The indexes of the revoked tokens from 0, separated by commas; null if there are none."""
    asked = tokens.columns
    one = tokens.matched_by(
        sa.select(col(RevokedToken.token_id)).where(
            col(RevokedToken.issuer) == asked["issuer"],
            col(RevokedToken.token_id) == asked["token_id"],
        )
    )
    whole = tokens.matched_by(
        sa.select(col(RevokedSubject.subject)).where(
            col(RevokedSubject.issuer) == asked["issuer"],
            col(RevokedSubject.subject) == asked["subject"],
            col(RevokedSubject.issued_before) > asked["issued_at"],
        )
    )
    return sa.select(tokens.keys).select_from(tokens.table).where(one | whole).scalar_subquery()


async def forget(session: AsyncSession, now: datetime) -> int:
    """Delete revocations whose tokens have all expired; returns their number."""
    tokens = await session.exec(delete(RevokedToken).where(col(RevokedToken.forget_at) <= now))
    subjects = await session.exec(
        delete(RevokedSubject).where(col(RevokedSubject.forget_at) <= now)
    )
    return tokens.rowcount + subjects.rowcount


def _all_ended_at(issuer: TrustedIssuer, issued_before: datetime) -> datetime:
    """When the last token issued before ends, with the clock's error in both directions."""
    return issued_before + timedelta(seconds=issuer.longest_lifetime_seconds) + 2 * LEEWAY
