"""Who looks at a plain page: a reader token that came by a form, kept in one cookie.

The session ends with the token. The cookie is for these pages alone: `/v1` reads none.
"""

import hashlib
import hmac
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from paywall.settings import Settings
from paywall.web.language import LANGUAGE_TAG, Language, accepted
from paywall.web.parts import parts_of

COOKIE = "__Host-paywall"
"""The prefix makes browsers insist on Secure, the whole host and no other path (RFC 6265bis)."""
COOKIE_SECONDS = 900
BACK_LENGTH_MAX = 500
"""Percent-encoded and beside a token it still fits into a cookie, of which browsers keep 4 KiB."""


class Session(NamedTuple):
    """A reader's token, and what the site said: the language that they prefer, where they were.

    Either is empty where it said nothing. `back_url` is whatever was sent: look whose it is first.
    """

    token: str
    preferred: str
    back_url: str

    @property
    def form_token(self) -> str:
        """What a form has to carry: nobody can know it who doesn't know the reader's token."""
        return hashlib.sha256(f"paywall forms {self.token}".encode()).hexdigest()

    def sent(self, form_token: str) -> bool:
        """Was a form with this token made by us, for this session?"""
        return hmac.compare_digest(self.form_token.encode(), form_token.encode())

    def cookie(self) -> Cookie:
        return Cookie(
            key=COOKIE,
            value=f"{self.preferred}:{self.token}:{quote(self.back_url, safe='')}",
            path="/",
            max_age=COOKIE_SECONDS,
            secure=True,
            httponly=True,
            samesite="lax",
        )


def session_of(request: Request[Any, Any, Any]) -> Session | None:
    """The session that the cookie tells of; whether its token holds is the service's to say."""
    preferred, _, rest = request.cookies.get(COOKIE, "").partition(":")
    # The address is not percent-encoded any more: Litestar has decoded the whole cookie.
    token, _, back_url = rest.partition(":")
    return Session(token, preferred, back_url) if token else None


def begin(token: str, preferred: str, back_url: str) -> Session:
    fits = len(back_url) <= BACK_LENGTH_MAX
    is_tag = LANGUAGE_TAG.fullmatch(preferred)
    return Session(token, preferred if is_tag else "", back_url if fits else "")


def came_from_the_site(request: Request[Any, Any, Any], settings: Settings) -> bool:
    """A stranger's page must not bring its readers into an account of its choice."""
    origin = request.headers.get("Origin")
    own = request.headers.get("Host")
    return origin is None or origin in settings.allowed_origins or urlsplit(origin).netloc == own


def language_of(
    request: Request[Any, Any, Any], session: Session | None, settings: Settings
) -> Language:
    """The reader's: as the site told it, else as the browser does."""
    told = [session.preferred] if session and session.preferred else []
    tags = [*told, *accepted(request.headers.get("Accept-Language", ""))]
    return parts_of(settings).languages.choose(tags)
