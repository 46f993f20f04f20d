"""Reads the sandbox's articles: HTML files with TOML front matter between two lines `+++`."""

import tomllib
from datetime import datetime
from pathlib import Path

import msgspec

from paywall.articles.publish import ArticleUpdate
from paywall.rules.decision import ArticleTerms, Policy

FOLDER = Path(__file__).parent / "articles"
FENCE = "+++\n"


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The metadata above an article's body."""

    title: str
    policy: Policy
    language: str
    published_at: datetime
    unlock_cost: int = 1
    tags: tuple[str, ...] = ()


def read_publications(site: str, folder: Path = FOLDER) -> list[ArticleUpdate]:
    """Every article of the folder, oldest first, with addresses on `site`.

    An article's id is the name of its file.
    """
    articles = [_read_file(path, site) for path in folder.glob("*.html")]
    return sorted(articles, key=lambda article: (str(article.published_at), article.id))


def _read_file(path: Path, site: str) -> ArticleUpdate:
    _, front_matter, body_html = path.read_text(encoding="utf-8").split(FENCE, maxsplit=2)
    metadata = msgspec.convert(tomllib.loads(front_matter), FrontMatter)
    return ArticleUpdate(
        id=path.stem,
        title=metadata.title,
        terms=ArticleTerms(metadata.policy, metadata.unlock_cost),
        url=f"{site}/{path.stem}",
        language=metadata.language,
        tags=metadata.tags,
        published_at=metadata.published_at,
        body_html=body_html,
    )
