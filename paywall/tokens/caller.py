"""The caller of a request, as a verified token describes it."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from paywall.rules.enums import Actor


class TokenKind(StrEnum):
    """The two kinds of tokens; neither is accepted in place of the other."""

    SITE = "site"
    READER = "reader"


class AskedBy(NamedTuple):
    """The site token that minted a reader token, which ends with it (RFC 8693 §4.1, `act`)."""

    issuer: str
    subject: str
    token_id: str
    issued_at: datetime


class Caller(NamedTuple):
    """The bearer of a verified token; a reader's `subject` is the reader's id."""

    kind: TokenKind
    issuer: str
    subject: str
    token_id: str
    # Empty for a reader; all scopes for a site token with `admin`.
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    asked_by: AskedBy | None = None

    def has(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def actor(self) -> Actor:
        return Actor(self.issuer, self.subject, self.token_id)
