"""Who is signed in at the newspaper: a session that nobody can forge, kept in this process."""

import secrets
from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.datastructures import Cookie, State

from paywall.sandbox.site.paywall_client import PageViewer
from paywall.sandbox.site.translations import LANGUAGES, NewspaperTranslator, choose_translator

SESSION, VISITOR, LANGUAGE, LAST_ARTICLE = "session", "visitor", "language", "last_article"
VISITOR_SECONDS = 31 * 86_400
LANGUAGE_SECONDS = 365 * 86_400

READERS: dict[str, str | None] = {"ann": None, "bo": None, "chan": "km"}
"""The readers that the sandbox has, by their ids, with the language that they prefer."""


def viewer_of(request: Request[Any, Any, State]) -> PageViewer:
    reader_id = request.app.state.sessions.get(request.cookies.get(SESSION))
    return PageViewer(reader_id, None if reader_id else request.cookies.get(VISITOR))


def translator_of(request: Request[Any, Any, State]) -> NewspaperTranslator:
    """In the language chosen in the masthead, else the reader's own, else the browser's."""
    own = READERS.get(viewer_of(request).reader_id or "")
    accepted = request.headers.get("Accept-Language", "").split(",")
    tags = [
        request.cookies.get(LANGUAGE),
        own,
        *(tag.partition(";")[0].strip() for tag in accepted),
    ]
    return choose_translator(filter(None, tags))


def language_cookie(language: str) -> Cookie:
    """Keep what was chosen; raises KeyError for a language that the newspaper has not."""
    chosen = {known: known for known in LANGUAGES}[language]
    return _cookie(LANGUAGE, chosen, max_age=LANGUAGE_SECONDS)


def start_session(state: State, reader_id: str) -> Cookie:
    """Begin a session; raises KeyError for a reader that there is not."""
    session_id = secrets.token_urlsafe()
    state.sessions[session_id] = {known: known for known in READERS}[reader_id]
    return _cookie(SESSION, session_id)


def end_session(request: Request[Any, Any, State]) -> Cookie:
    request.app.state.sessions.pop(request.cookies.get(SESSION), None)
    return _cookie(SESSION, "", max_age=0)


def visitor_cookie() -> Cookie:
    """A pseudonym, so that metered articles can be counted; given at the first of them."""
    return _cookie(VISITOR, f"v-{secrets.token_hex(8)}", max_age=VISITOR_SECONDS)


def last_article_cookie(path: str) -> Cookie:
    """Where a reader comes back to after paying; until the browser is closed."""
    return _cookie(LAST_ARTICLE, quote(path, safe="/"))


def _cookie(key: str, value: str, max_age: int | None = None) -> Cookie:
    return Cookie(key=key, value=value, max_age=max_age, httponly=True, samesite="lax")
