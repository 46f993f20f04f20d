"""Sessions and preferences of the newspaper's visitors; sessions are kept in this process."""

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

# The sandbox's readers by id, with their preferred languages.
READERS: dict[str, str | None] = {"ann": None, "bo": None, "chan": None, "dara": "km"}


def viewer_of(request: Request[Any, Any, State]) -> PageViewer:
    reader_id = request.app.state.sessions.get(request.cookies.get(SESSION))
    return PageViewer(reader_id, None if reader_id else request.cookies.get(VISITOR))


def translator_of(request: Request[Any, Any, State]) -> NewspaperTranslator:
    """In the language chosen on the page, else the reader's preference, else the browser's."""
    own = READERS.get(viewer_of(request).reader_id or "")
    accepted = request.headers.get("Accept-Language", "").split(",")
    tags = [
        request.cookies.get(LANGUAGE),
        own,
        *(tag.partition(";")[0].strip() for tag in accepted),
    ]
    return choose_translator(filter(None, tags))


def language_cookie(language: str) -> Cookie:
    """Remembers the chosen language. Raises KeyError for an unknown one."""
    chosen = {known: known for known in LANGUAGES}[language]
    return _cookie(LANGUAGE, chosen, max_age=LANGUAGE_SECONDS)


def start_session(state: State, reader_id: str) -> Cookie:
    """Start a session. Raises KeyError for an unknown reader."""
    session_id = secrets.token_urlsafe()
    state.sessions[session_id] = {known: known for known in READERS}[reader_id]
    return _cookie(SESSION, session_id)


def end_session(request: Request[Any, Any, State]) -> Cookie:
    request.app.state.sessions.pop(request.cookies.get(SESSION), None)
    return _cookie(SESSION, "", max_age=0)


def visitor_cookie() -> Cookie:
    """A pseudonym by which metered views are counted; set at the first metered article."""
    return _cookie(VISITOR, f"v-{secrets.token_hex(8)}", max_age=VISITOR_SECONDS)


def last_article_cookie(path: str) -> Cookie:
    """The path to return to after a payment; lasts until the browser is closed."""
    return _cookie(LAST_ARTICLE, quote(path, safe="/"))


def _cookie(key: str, value: str, max_age: int | None = None) -> Cookie:
    return Cookie(key=key, value=value, max_age=max_age, httponly=True, samesite="lax")
