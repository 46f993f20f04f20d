"""Reads the sandbox's articles: HTML files with TOML front matter between two lines `+++`.

The service gets what it needs to sell an article. The rest, such as the standfirst, stays with the
newspaper.
"""

import math
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from paywall.articles.publish import ArticleUpdate
from paywall.rules.decision import ArticleTerms, Policy

FOLDER = Path(__file__).parent / "articles"
FENCE = "+++\n"
TAG = re.compile(r"<[^>]*>")
WORDS_PER_MINUTE = 200
# Khmer has no spaces between words.
KHMER_LETTERS_PER_MINUTE = 800


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The metadata above an article's body."""

    title: str
    policy: Policy
    language: str
    published_at: datetime
    section: str
    standfirst: str
    byline: str
    picture: str
    picture_text: str
    unlock_cost: int = 1
    tags: tuple[str, ...] = ()


class ArticleFile(NamedTuple):
    """One file: its name without the extension is the article's id."""

    id: str
    metadata: FrontMatter
    body_html: str

    @property
    def reading_minutes(self) -> int:
        text = TAG.sub(" ", self.body_html)
        if self.metadata.language == "km":
            return math.ceil(len("".join(text.split())) / KHMER_LETTERS_PER_MINUTE)
        return math.ceil(len(text.split()) / WORDS_PER_MINUTE)


def read_files(folder: Path = FOLDER) -> list[ArticleFile]:
    """Every article of the folder, oldest first."""
    articles = [_read_file(path) for path in folder.glob("*.html")]
    return sorted(articles, key=lambda article: (article.metadata.published_at, article.id))


def read_publications(site: str) -> list[ArticleUpdate]:
    """What the service is sent of every article, oldest first, with addresses on `site`."""
    return [
        ArticleUpdate(
            id=file.id,
            title=file.metadata.title,
            terms=ArticleTerms(file.metadata.policy, file.metadata.unlock_cost),
            url=f"{site}/{file.id}",
            language=file.metadata.language,
            tags=file.metadata.tags,
            published_at=file.metadata.published_at,
            body_html=file.body_html,
        )
        for file in read_files()
    ]


def _read_file(path: Path) -> ArticleFile:
    _, front_matter, body_html = path.read_text(encoding="utf-8").split(FENCE, maxsplit=2)
    return ArticleFile(
        path.stem, msgspec.convert(tomllib.loads(front_matter), FrontMatter), body_html
    )
