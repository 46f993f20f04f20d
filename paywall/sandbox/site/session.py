"""Who is signed in at the newspaper: a session that nobody can forge, kept in this process."""

import secrets
from typing import Any, NamedTuple

from litestar import Request
from litestar.datastructures import Cookie, State

from paywall.sandbox.site.publisher import Viewer

SESSION, VISITOR = "session", "visitor"
VISITOR_SECONDS = 31 * 86_400


class Reader(NamedTuple):
    """A reader as the newspaper knows one; without a language they read each page in its own."""

    name: str
    language: str | None = None


READERS = {"ann": Reader("Ann"), "bo": Reader("Bo"), "chan": Reader("ចាន់ (Chan)", "km")}
"""The readers that the sandbox has, by their ids."""


def viewer_of(request: Request[Any, Any, State]) -> Viewer:
    reader_id = request.app.state.sessions.get(request.cookies.get(SESSION))
    return Viewer(reader_id, None if reader_id else request.cookies.get(VISITOR))


def sign_in(state: State, reader_id: str) -> Cookie:
    """Begin a session; raises KeyError for a reader that there is not."""
    session_id = secrets.token_urlsafe()
    state.sessions[session_id] = {known: known for known in READERS}[reader_id]
    return _cookie(SESSION, session_id)


def sign_out(request: Request[Any, Any, State]) -> Cookie:
    request.app.state.sessions.pop(request.cookies.get(SESSION), None)
    return _cookie(SESSION, "", max_age=0)


def new_visitor() -> Cookie:
    """A pseudonym, so that metered articles can be counted; given at the first of them."""
    return _cookie(VISITOR, f"v-{secrets.token_hex(8)}", max_age=VISITOR_SECONDS)


def _cookie(key: str, value: str, max_age: int | None = None) -> Cookie:
    return Cookie(key=key, value=value, max_age=max_age, httponly=True, samesite="lax")
