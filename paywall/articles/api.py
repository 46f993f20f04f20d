"""Routes for articles and their terms; a body is put here, and read by access/."""

from datetime import datetime
from typing import Annotated

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import UNSET, Meta, UnsetType, field
from msgspec.structs import replace
from sqlmodel import select

from paywall.articles.publish import ArticleUpdate, publish, unpublish
from paywall.articles.structured_data import StructuredData, embeddable, structured_data
from paywall.database.engine import Database
from paywall.database.tables import Article
from paywall.http.bodies import ARTICLE_BYTES_MAX, JSON_MEDIA_TYPE, RequestModel, ResponseModel
from paywall.http.fields import (
    LINE_LENGTH_MAX,
    LINE_PATTERN,
    ArticleId,
    ArticleUrl,
    Credits,
    Id,
    PathArticleId,
    SingleLine,
    Text,
    Timestamp,
    WebAddress,
)
from paywall.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, newest_first
from paywall.problems import ARTICLE_UNKNOWN, Problem, invalid
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import UpsertOutcome
from paywall.rules.urls import WEB_URL_PATTERN
from paywall.settings import Settings
from paywall.tokens.guard import Caller, site

Language = Annotated[
    str, Meta(pattern=LINE_PATTERN, max_length=35, description="A BCP 47 tag, such as `km`.")
]


AtUrl = Annotated[
    str | None,
    QueryParameter(
        pattern=WEB_URL_PATTERN,
        max_length=LINE_LENGTH_MAX,
        description="Only articles with exactly this `url`.",
    ),
]


class Preview(RequestModel, omit_defaults=True):
    """What everybody can read: the first paragraphs of the body, or HTML from the site."""

    paragraphs: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=1000,
                description="The number of paragraphs, up to the editor's marker (`<!--more-->`,"
                " `<!--nextpage-->`, `<!--members-only-->`) and at most `preview_share` of the"
                " text.",
            ),
        ]
        | None
    ) = None
    html: Annotated[Text, Meta(description="HTML that is returned unchanged.")] | None = None

    def __post_init__(self) -> None:
        if (self.paragraphs is None) == (self.html is None):
            raise ValueError('Expected either {"paragraphs": N} or {"html": "…"}')


class ArticleInput(RequestModel):
    """An article; a field that is left out is set to its default."""

    title: Annotated[Text, Meta(description="May be empty.")]
    policy: Annotated[Policy, Meta(description="Who may read it.")]
    id: Annotated[Id, Meta(description="Optional; the same as in the path.")] | UnsetType = UNSET
    url: Annotated[WebAddress, Meta(description="The http(s) URL of its page.")] | None = None
    language: Language | None = None
    unlock_cost: Annotated[Credits, Meta(description="What the article costs, in credits.")] = 1
    tags: Annotated[tuple[SingleLine, ...], Meta(max_length=100, description="At most 100.")] = ()
    published_at: Annotated[Timestamp | None, Meta(description="When the site published it.")] = (
        None
    )
    preview: Annotated[Preview, Meta(description="What everybody may read.")] = field(
        default_factory=lambda: Preview(paragraphs=2)
    )
    body_html: (
        Annotated[Text, Meta(description="HTML. Left out: no change; null removes the body.")]
        | UnsetType
        | None
    ) = UNSET


class ArticleOutput(ResponseModel):
    """An article without its body."""

    id: ArticleId
    title: Annotated[str, Meta(description="The article's title; it may be empty.")]
    url: ArticleUrl
    language: Annotated[str | None, Meta(description="A BCP 47 tag, such as `km`.")]
    policy: Annotated[Policy, Meta(description="Who may read the article.")]
    unlock_cost: Annotated[int, Meta(description="In credits.")]
    tags: Annotated[list[str], Meta(description="At most 100.")]
    published_at: Annotated[datetime | None, Meta(description="When the site published it.")]
    preview: Annotated[Preview, Meta(description="What everybody may read.")]
    preview_html: Annotated[
        str | None,
        Meta(description="What everybody may read, made from the body; null in lists."),
    ]
    has_body: Annotated[bool, Meta(description="Whether it has a body.")]
    body_sha256: Annotated[
        str | None, Meta(description="Hexadecimal, over the body in UTF-8; null without a body.")
    ]


@put(
    "/v1/articles/{article_id:str}",
    guards=[site("articles:write")],
    request_max_body_size=ARTICLE_BYTES_MAX,
    answers={201: "Created.", 200: "Replaced, or the same as before."},
)
async def put_article(
    article_id: PathArticleId,
    data: JSONBody[ArticleInput],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[ArticleOutput]:
    """Create an article (201), or replace it (200)."""
    publication = to_article_update(article_id, data)
    async with database.writing() as session:
        article, outcome = await publish(
            session,
            publication,
            actor=caller.actor,
            now=database.clock.now(),
            preview_share=settings.preview_share,
        )
    return Response(
        _with_preview(article), status_code=201 if outcome is UpsertOutcome.CREATED else 200
    )


@get("/v1/articles/{article_id:str}", guards=[site("articles:read")], refuses=[ARTICLE_UNKNOWN])
async def get_article(
    article_id: PathArticleId, database: NamedDependency[Database]
) -> ArticleOutput:
    """An article and its terms, without its body."""
    async with database.reading() as session:
        article = await session.get(Article, article_id)
    if article is None:
        raise Problem(ARTICLE_UNKNOWN)
    return _with_preview(article)


@get(
    "/v1/articles/{article_id:str}/structured-data",
    guards=[site("articles:read")],
    refuses=[ARTICLE_UNKNOWN],
)
async def get_structured_data(
    article_id: PathArticleId,
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
) -> Response[StructuredData]:
    """The schema.org data that an article's page should contain for search engines.

    It contains no `<`, so it can be inserted into the page unchanged.
    """
    async with database.reading() as session:
        article = await session.get(Article, article_id)
    if article is None:
        raise Problem(ARTICLE_UNKNOWN)
    data = structured_data(article, settings.css_selector)
    return Response(embeddable(data), media_type=JSON_MEDIA_TYPE)  # type: ignore[arg-type]  # encoded here, of that shape


@delete("/v1/articles/{article_id:str}", guards=[site("articles:write")])
async def delete_article(
    article_id: PathArticleId, caller: NamedDependency[Caller], database: NamedDependency[Database]
) -> None:
    """Delete an article and its body; its unlocks stay in force. Repeating it is a no-op."""
    async with database.writing() as session:
        await unpublish(session, article_id, actor=caller.actor, now=database.clock.now())


@get("/v1/articles", guards=[site("articles:read")])
async def list_articles(
    database: NamedDependency[Database],
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
    url: AtUrl = None,
) -> Page[ArticleOutput]:
    """Every article, newest first by creation."""
    chosen = select(Article) if url is None else select(Article).where(Article.url == url)
    async with database.reading() as session:
        articles, next_cursor = await newest_first(
            session,
            chosen,
            at=Article.created_at,
            id=Article.id,
            limit=limit,
            cursor=cursor,
        )
    return Page(items=[_to_output(article) for article in articles], next_cursor=next_cursor)


ROUTES: list[ControllerRouterHandler] = [
    put_article,
    get_article,
    get_structured_data,
    delete_article,
    list_articles,
]


def to_article_update(article_id: str, data: ArticleInput) -> ArticleUpdate:
    """Apply the defaults; raises Problem if the id differs from the path."""
    if data.id is not UNSET and data.id != article_id:
        raise invalid("id", f"is {data.id!r}; leave it out, or send {article_id!r} as in the path")
    return ArticleUpdate(
        id=article_id,
        title=data.title,
        terms=ArticleTerms(data.policy, data.unlock_cost),
        url=data.url,
        language=data.language,
        tags=data.tags,
        published_at=data.published_at,
        preview=data.preview.paragraphs or 0 if data.preview.html is None else data.preview.html,
        body_html=data.body_html,
    )


def _with_preview(article: Article) -> ArticleOutput:
    return replace(_to_output(article), preview_html=article.preview_html)


def _to_output(article: Article) -> ArticleOutput:
    paragraphs = article.preview_paragraphs
    return ArticleOutput(
        id=article.id,
        title=article.title,
        url=article.url,
        language=article.language,
        policy=article.policy,
        unlock_cost=article.unlock_cost,
        tags=article.tags,
        published_at=article.published_at,
        preview=(
            Preview(html=article.preview_html)
            if paragraphs is None
            else Preview(paragraphs=paragraphs)
        ),
        # Up to 4 MiB each, and a list has 200.
        preview_html=None,
        has_body=article.body_sha256 is not None,
        body_sha256=article.body_sha256,
    )
