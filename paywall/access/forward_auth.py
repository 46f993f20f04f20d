"""Forward-auth: a reverse proxy asks before it serves a file (nginx `auth_request`, Caddy).

The proxy authenticates itself, because a grant can count a view and a denial reveals a policy. It
passes on what the client sent, so each header is read on the assumption that a client could have
added it: where two headers name an article, they must agree.
"""

import re
from collections.abc import Iterable
from functools import cache

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency

from paywall import problems
from paywall.access.api import CHECK_SCOPE, decide_for
from paywall.access.facts import Viewer, viewer_of
from paywall.database.engine import Database
from paywall.http.cookies import find_cookie
from paywall.http.fields import ID_PATTERN
from paywall.problems import Problem
from paywall.rules.article_paths import PathRefusal, PathRule, article_at, parse_path_rule
from paywall.rules.decision import Action, Decision
from paywall.rules.enums import ViewerKind
from paywall.settings import Settings
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.guard import authenticate, bearer_token, proxy
from paywall.tokens.limits import TOKEN_BYTES_MAX
from paywall.tokens.verify import Verifier

ARTICLE, VISITOR = "X-Paywall-Article", "X-Paywall-Visitor"
ORIGINAL_URI, FORWARDED_URI = "X-Original-URI", "X-Forwarded-Uri"
DECISION, REASON, UNLOCKS_LEFT = (
    "X-Paywall-Decision",
    "X-Paywall-Reason",
    "X-Paywall-Unlocks-Left",
)
ARTICLE_NOT_NAMED, INVALID_TOKEN = "article_not_named", "invalid_token"
# 200 characters, each of at most four bytes.
VISITOR_BYTES_MAX = 800
ID = re.compile(ID_PATTERN)
DETAILS = {
    PathRefusal.NOT_CANONICAL: "The path can be read in two ways: a proxy could serve another file."
    " Send it without dot segments, doubled slashes, parameters and needless escapes.",
    PathRefusal.NO_RULE: "No template of forward_auth_paths matches the path: add one, or let the"
    " proxy serve the path without asking.",
    PathRefusal.AMBIGUOUS: "Headers or templates of forward_auth_paths name different articles for"
    f" this request. The proxy must overwrite {ARTICLE}, {ORIGINAL_URI} and {FORWARDED_URI}.",
    ARTICLE_NOT_NAMED: f"The proxy must send {ARTICLE} once with the id of an article, or"
    f" {ORIGINAL_URI} if forward_auth_paths is set.",
}

Headers = Iterable[tuple[bytes, bytes]]


@get(
    "/v1/access/forward-auth",
    guards=[proxy(CHECK_SCOPE)],
    status_code=204,
    answers={204: "Serve the file."},
    refuses=(problems.ACCESS_DENIED,),
    headers={
        ORIGINAL_URI: "The path that the client requested, unchanged, if `forward_auth_paths` is"
        f" set; {FORWARDED_URI} has the same meaning.",
        FORWARDED_URI: f"As {ORIGINAL_URI}; of both, they must be equal.",
        ARTICLE: "The site's id of the article in UTF-8, if `forward_auth_paths` is not set.",
        VISITOR: "The site's pseudonym for a visitor; goes before the cookie.",
    },
    answer_headers={
        DECISION: "`granted`; `denied` in a response with 401 or 403, or missing if there was no"
        " decision.",
        REASON: "The reason of the decision, or why there is none.",
        UNLOCKS_LEFT: "Credits that the reader can spend now.",
    },
)
async def check_forward_auth(
    request: Request[Caller, Caller, State],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    verifier: NamedDependency[Verifier],
) -> Response[None]:
    """Check access before a reverse proxy serves a file: 204, 401 (sign in) or 403.

    The reader's token comes in `Authorization` or in the cookie `forward_auth_cookie`, a visitor's
    pseudonym in the cookie `forward_auth_visitor_cookie`; no other operation of the API reads a
    cookie. A cookie with a token that is not valid is that of a visitor. A metered grant counts a
    view. Without a response with 204 the file must not be served, and a response without
    `X-Paywall-Decision` is a failure.
    """
    headers = request.scope["headers"]
    article_id = _article_of(headers, settings)
    viewer = await _viewer_of(headers, settings, database, verifier)
    decision = await decide_for(viewer, article_id, database, settings, counting=True)
    if not decision.granted:
        raise _denial(decision)
    return Response(None, status_code=204, headers=_decision_headers(decision))


def _article_of(headers: Headers, settings: Settings) -> str:
    """The article that the request is for; raises Problem (ACCESS_DENIED) unless it is one."""
    named = set(_values(headers, ARTICLE))
    if not settings.forward_auth_paths:
        ids = [_decoded_id(value) for value in named]
        if len(ids) != 1 or ids[0] is None:
            raise _refused(ARTICLE_NOT_NAMED)
        return ids[0]
    paths = {*_values(headers, ORIGINAL_URI), *_values(headers, FORWARDED_URI)}
    if len(paths) > 1:
        raise _refused(PathRefusal.AMBIGUOUS)
    if not paths:
        raise _refused(ARTICLE_NOT_NAMED)
    article_id = article_at(paths.pop(), _path_rules(tuple(settings.forward_auth_paths)))
    if isinstance(article_id, PathRefusal):
        raise _refused(article_id)
    if not ID.match(article_id):
        raise _refused(PathRefusal.NOT_CANONICAL)
    if named - {article_id.encode()}:
        raise _refused(PathRefusal.AMBIGUOUS)
    return article_id


async def _viewer_of(
    headers: Headers, settings: Settings, database: Database, verifier: Verifier
) -> Viewer:
    """The reader of a valid token, else the visitor; raises Problem for a bad Authorization."""
    if any(value.lower().startswith(b"bearer") for value in _values(headers, "Authorization")):
        try:
            caller = await authenticate(verifier, database, bearer_token(headers), TokenKind.READER)
        except Problem as problem:
            problem.headers.update({DECISION: "denied", REASON: INVALID_TOKEN})
            raise
        return viewer_of(caller.subject)
    token = find_cookie(headers, settings.forward_auth_cookie, bytes_max=TOKEN_BYTES_MAX)
    if token:
        try:
            caller = await authenticate(verifier, database, token, TokenKind.READER)
        except Problem as problem:
            if problem.kind is not problems.INVALID_TOKEN:
                raise
        else:
            return viewer_of(caller.subject)
    return _visitor_of(headers, settings)


def _visitor_of(headers: Headers, settings: Settings) -> Viewer:
    values = list(_values(headers, VISITOR))
    if not values:
        name = settings.forward_auth_visitor_cookie
        cookie = find_cookie(headers, name, bytes_max=VISITOR_BYTES_MAX)
        values = [cookie.encode("latin-1")] if cookie else []
    visitor_id = _decoded_id(values[0]) if len(values) == 1 else None
    return Viewer() if visitor_id is None else Viewer(ViewerKind.VISITOR, visitor_id)


def _denial(decision: Decision) -> Problem:
    headers = _decision_headers(decision)
    if Action.LOGIN in decision.actions:
        return Problem(
            problems.TOKEN_MISSING,
            "The reader has to sign in.",
            headers={**headers, "WWW-Authenticate": "Bearer"},
        )
    return Problem(problems.ACCESS_DENIED, headers=headers)


def _refused(reason: str) -> Problem:
    headers = {DECISION: "denied", REASON: reason}
    return Problem(problems.ACCESS_DENIED, DETAILS[reason], headers=headers)


def _decision_headers(decision: Decision) -> dict[str, str]:
    return {
        DECISION: "granted" if decision.granted else "denied",
        REASON: decision.reason,
        UNLOCKS_LEFT: str(decision.unlocks_left),
    }


@cache
def _path_rules(templates: tuple[str, ...]) -> list[PathRule]:
    return [rule for rule in map(parse_path_rule, templates) if rule is not None]


def _decoded_id(value: bytes) -> str | None:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if ID.match(text) else None


def _values(headers: Headers, wanted: str) -> Iterable[bytes]:
    name = wanted.lower().encode()
    return (value for key, value in headers if key.lower() == name)


ROUTES = [check_forward_auth]
