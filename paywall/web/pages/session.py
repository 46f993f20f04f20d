"""Who looks at a plain page: a reader token that came by a form, kept in one cookie.

The session ends with the token. The cookie is for these pages alone: `/v1` reads none.
"""

import base64
import hashlib
import hmac
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from paywall.rules.urls import origin_of
from paywall.settings import Settings
from paywall.web.language import is_language_tag

# The prefix makes browsers insist on Secure, the whole host and no other path (RFC 6265bis).
COOKIE = "__Host-paywall"
COOKIE_SECONDS = 900
BACK_LENGTH_MAX, NAME_LENGTH_MAX = 500, 60
# Browsers drop one of more than 4 KiB, its name and its attributes' values included.
COOKIE_BYTES_MAX = 4000


class PageSession(msgspec.Struct, frozen=True, array_like=True):
    """A reader's token, and what the site said: their language, where they were, their name.

    Each is empty where it said nothing. `back_url` is whatever was sent: look whose it is first.
    """

    token: str
    preferred: str
    back_url: str
    name: str

    @property
    def form_token(self) -> str:
        """What a form has to carry: nobody can know it who doesn't know the reader's token."""
        return hashlib.sha256(f"paywall forms {self.token}".encode()).hexdigest()

    def has_made(self, form_token: str) -> bool:
        """Whether a form with this token was made for this session."""
        return hmac.compare_digest(self.form_token.encode(), form_token.encode())

    def cookie(self) -> Cookie:
        """The back address and the name are left out where the cookie would be too large."""
        kept = _kept(self)
        if len(kept) > COOKIE_BYTES_MAX:
            kept = _kept(PageSession(self.token, self.preferred, "", ""))
        return _cookie(kept, COOKIE_SECONDS)


def decode_session(cookie: str) -> PageSession | None:
    """The session of a cookie; whether its token is valid is checked where it is used."""
    try:
        session = msgspec.json.decode(base64.urlsafe_b64decode(f"{cookie}=="), type=PageSession)
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    # A browser can send any cookie, so the limits of a form's fields apply here as well.
    return make_session(*msgspec.structs.astuple(session)) if session.token else None


def _kept(session: PageSession) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(session)).decode().rstrip("=")


def make_session(token: str, preferred: str, back_url: str, name: str) -> PageSession:
    return PageSession(
        token=token,
        preferred=preferred if is_language_tag(preferred) else "",
        back_url=back_url if len(back_url) <= BACK_LENGTH_MAX else "",
        name=name[:NAME_LENGTH_MAX],
    )


def expired_cookie() -> Cookie:
    """Deletes the cookie of a session."""
    return _cookie("", 0)


def _cookie(value: str, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=seconds,
        secure=True,
        httponly=True,
        samesite="lax",
    )


def came_from_the_site(request: Request[Any, Any, Any], settings: Settings) -> bool:
    """Another site's page must not sign its readers in to an account of its choice.

    Current browsers send Origin, or Sec-Fetch-Site, with every form.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") in (None, "none", "same-origin")
    sender = origin_of(origin)
    own = request.headers.get("Host", "")
    ours = (f"http://{own}", f"https://{own}", *settings.allowed_origins)
    return sender is not None and sender in map(origin_of, ours)
