"""The stored articles to compare with: from the database, or from a running service."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.bodies import body_of
from paywall.database.tables import Article
from paywall.lazy_import import lazy_import
from paywall.rules.decision import Policy

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

SERVICE_SECONDS = 15.0
# Two articles at one address are already too many to compare with.
SAME_URL_MAX = 2

Found = TypeVar("Found")
Parsed = TypeVar("Parsed", bound=msgspec.Struct)


class ArticleNotLoadedError(Exception):
    """An article that cannot be compared with; the message says why, and how to fix it."""


class StoredArticle(NamedTuple):
    """An article as the service has it; `url` is where the site shows it."""

    id: str
    url: str
    title: str
    policy: Policy
    preview_html: str
    body_html: str


def recorded_urls(url: str) -> list[str]:
    """How this address can be on record: with http or https, with or without a last slash."""
    parts = urlsplit(url)
    folder = parts._replace(path=parts.path.rstrip("/") + "/", fragment="")
    plain = folder._replace(path=parts.path.rstrip("/"))
    schemes = [parts.scheme, "http" if parts.scheme == "https" else "https"]
    spelled = [
        urlunsplit(path._replace(scheme=scheme)) for scheme in schemes for path in (folder, plain)
    ]
    return list(dict.fromkeys([urlunsplit(parts._replace(fragment="")), *spelled]))


async def load_article(session: AsyncSession, url: str, article_id: str | None) -> StoredArticle:
    """The article with this id, or with this address; raises ArticleNotLoadedError."""
    chosen = (
        select(Article).where(col(Article.url).in_(recorded_urls(url))).limit(SAME_URL_MAX)
        if article_id is None
        else select(Article).where(col(Article.id) == article_id)
    )
    article = _only_one((await session.exec(chosen)).all(), url, article_id)
    body_html = await body_of(session, article.id)
    return StoredArticle(
        article.id, url, article.title, article.policy, article.preview_html,
        _body_on_record(article.id, body_html),
    )  # fmt: skip


class _ListedArticle(msgspec.Struct):
    id: str
    title: str
    policy: Policy


class _ListedArticles(msgspec.Struct):
    items: list[_ListedArticle]


class _Decision(msgspec.Struct):
    granted: bool
    reason: str


class _Body(msgspec.Struct):
    decision: _Decision
    body_html: str | None
    preview_html: str | None


class _Problem(msgspec.Struct):
    detail: str


class RemoteService:
    """A running service, asked with a site token that has the scope `articles:read`.

    The body is asked for as `reader_id`, who must have a subscription: the service gives no body
    without a decision that grants it.
    """

    def __init__(self, http: "httpx.AsyncClient", reader_id: str) -> None:
        self._http = http
        self._reader_id = reader_id

    async def load_article(self, url: str, article_id: str | None) -> StoredArticle:
        """The article with this id, or with this address; raises ArticleNotLoadedError."""
        article = await self._find(url, article_id)
        public = await self._ask_body({"article_id": article.id})
        whole = await self._ask_body({"article_id": article.id, "reader_id": self._reader_id})
        if not whole.decision.granted:
            raise ArticleNotLoadedError(
                f"The reader {self._reader_id} may not read the article {article.id}"
                f" ({whole.decision.reason}): give this reader a complimentary subscription."
            )
        body_html = _body_on_record(article.id, whole.body_html)
        preview_html = body_html if public.decision.granted else public.preview_html or ""
        return StoredArticle(
            article.id, url, article.title, article.policy, preview_html, body_html
        )

    async def _find(self, url: str, article_id: str | None) -> _ListedArticle:
        if article_id is not None:
            path = f"/v1/articles/{quote(article_id, safe='')}"
            found = await self._ask("GET", path, _ListedArticle)
            return _only_one([] if found is None else [found], url, article_id)
        items: list[_ListedArticle] = []
        for recorded in recorded_urls(url):
            listed = await self._ask(
                "GET", f"/v1/articles?limit={SAME_URL_MAX}&url={quote(recorded, safe='')}",
                _ListedArticles,
            )  # fmt: skip
            if listed is None:
                raise ArticleNotLoadedError("The service has no /v1/articles: correct --service.")
            items += listed.items
        return _only_one(items, url, article_id)

    async def _ask_body(self, question: dict[str, str]) -> _Body:
        body = await self._ask("POST", "/v1/access/body", _Body, question)
        if body is None:
            raise ArticleNotLoadedError("The service has no /v1/access/body: correct --service.")
        return body

    async def _ask(
        self, method: str, path: str, model: type[Parsed], question: object = None
    ) -> Parsed | None:
        """The response, or None for 404; raises ArticleNotLoadedError for any other refusal."""
        try:
            response = await self._http.request(method, path, json=question)
            if response.status_code == HTTPStatus.NOT_FOUND:
                return None
            if response.status_code != HTTPStatus.OK:
                raise ArticleNotLoadedError(
                    f"The service answered {path} with status {response.status_code}:"
                    f" {_detail(response)}"
                )
            return msgspec.json.decode(response.content, type=model)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise ArticleNotLoadedError(
                f"The service cannot be asked: {str(error) or type(error).__name__}."
                " Correct --service."
            ) from error


def _detail(response: "httpx.Response") -> str:
    """The fix that the service names for a refusal."""
    try:
        return msgspec.json.decode(response.content, type=_Problem).detail
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "it is not this service; correct --service."


def _only_one(found: Sequence[Found], url: str, article_id: str | None) -> Found:
    match found:
        case [article]:
            return article
        case [] if article_id is not None:
            raise ArticleNotLoadedError(f"There is no article {article_id}: correct --article.")
        case []:
            raise ArticleNotLoadedError(
                f"No article is on record with the address {url}: publish it with this url, or"
                " give its id with --article."
            )
        case _:
            raise ArticleNotLoadedError(
                f"Several articles are on record with the address {url}: give the id of one with"
                " --article."
            )


def _body_on_record(article_id: str, body_html: str | None) -> str:
    if body_html is None:
        raise ArticleNotLoadedError(
            f"The article {article_id} has no body on record, so nothing can be compared with it:"
            " publish it with body_html, or name an article that is not free."
        )
    return body_html
