"""What callers asked before, and whose tokens are refused."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    WITHOUT_ROWID,
)


class IdempotencyKey(SQLModel, table=True):
    """A claimed key and the answer that was given; written together with the effect."""

    __tablename__ = "idempotency_key"
    __table_args__ = (sa.Index(None, "created_at"), sa.Index(None, "reader_id"), WITHOUT_ROWID)

    caller_issuer: str = Field(primary_key=True)
    caller_subject: str = Field(primary_key=True)
    route: str = Field(primary_key=True, sa_type=sa.Text)
    key: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    reader_id: str | None = Field(default=None, max_length=ID_LENGTH_MAX)
    request_sha256: str = Field(max_length=64)
    status: int | None = None
    answer: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime


class RevokedToken(SQLModel, table=True):
    """One token that is refused from now on, until it would have ended anyway."""

    __tablename__ = "revoked_token"
    __table_args__ = (sa.Index(None, "forget_at"), WITHOUT_ROWID)

    issuer: str = Field(primary_key=True)
    token_id: str = Field(primary_key=True)
    forget_at: datetime


class RevokedSubject(SQLModel, table=True):
    """Every token of this subject that was issued before this time is refused."""

    __tablename__ = "revoked_subject"
    __table_args__ = (sa.Index(None, "forget_at"), WITHOUT_ROWID)

    issuer: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    issued_before: datetime
    forget_at: datetime
