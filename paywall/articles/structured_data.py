"""Structured data for search engines, so that they do not mistake the paywall for cloaking.

https://developers.google.com/search/docs/appearance/structured-data/paywalled-content
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from paywall.database.tables import Article
from paywall.http.bodies import ResponseModel
from paywall.http.fields import ArticleUrl
from paywall.rules.decision import Policy

# The class that `<paywall-gate>` sets; the setting `css_selector` names another one.
SELECTOR = ".paywall-content"
NAMES = {"context": "@context", "type": "@type"}


class PaidPart(
    ResponseModel, rename=NAMES | {"is_free": "isAccessibleForFree", "selector": "cssSelector"}
):
    """The part of the page that not everybody can read."""

    type: Annotated[str, Meta(description="Its schema.org type.")] = "WebPageElement"
    is_free: Annotated[bool, Meta(description="Whether everybody may read it.")] = False
    selector: Annotated[str, Meta(description="The element of the page that holds it.")] = SELECTOR


class StructuredData(
    ResponseModel,
    kw_only=True,
    rename=NAMES
    | {
        "language": "inLanguage",
        "published_at": "datePublished",
        "is_free": "isAccessibleForFree",
        "paid_part": "hasPart",
    },
):
    """A schema.org NewsArticle, for a page's `<script type="application/ld+json">`."""

    context: Annotated[str, Meta(description="The vocabulary.")] = "https://schema.org"
    type: Annotated[str, Meta(description="Its schema.org type.")] = "NewsArticle"
    headline: Annotated[str, Meta(description="The article's title.")]
    url: ArticleUrl
    language: Annotated[str | None, Meta(description="A BCP 47 tag, such as `km`.")]
    published_at: Annotated[datetime | None, Meta(description="When the site published it.")]
    is_free: Annotated[bool, Meta(description="True under the policy `free` alone.")]
    paid_part: Annotated[
        PaidPart | None, Meta(description="The part behind the paywall; null if there is none.")
    ]


def structured_data(article: Article, css_selector: str) -> StructuredData:
    is_free = article.policy is Policy.FREE
    return StructuredData(
        headline=article.title,
        url=article.url,
        language=article.language,
        published_at=article.published_at,
        is_free=is_free,
        paid_part=None if is_free else PaidPart(selector=css_selector),
    )


def embeddable(data: StructuredData) -> bytes:
    """JSON without `<`, so that no title can end the script element that contains it."""
    return msgspec.json.encode(data).replace(b"<", rb"\u003c")
