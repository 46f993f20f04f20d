"""The sandbox's articles: HTML files, each with a front part in TOML between two lines `+++`."""

import tomllib
from datetime import datetime
from pathlib import Path

import msgspec

from paywall.articles.publish import Publication
from paywall.rules.decision import Policy, Terms

FOLDER = Path(__file__).parent / "articles"
FENCE = "+++\n"


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a file says of its article before the body."""

    title: str
    policy: Policy
    language: str
    published_at: datetime
    unlock_cost: int = 1
    tags: tuple[str, ...] = ()


def read_publications(site: str, folder: Path = FOLDER) -> list[Publication]:
    """Every article of the folder, oldest first, as `site` publishes it.

    Its id is the name of its file.
    """
    read = [_read_file(path, site) for path in folder.glob("*.html")]
    return sorted(read, key=lambda publication: (str(publication.published_at), publication.id))


def _read_file(path: Path, site: str) -> Publication:
    _, front_part, body_html = path.read_text(encoding="utf-8").split(FENCE, maxsplit=2)
    front = msgspec.convert(tomllib.loads(front_part), FrontMatter)
    return Publication(
        id=path.stem,
        title=front.title,
        terms=Terms(front.policy, front.unlock_cost),
        url=f"{site}/{path.stem}",
        language=front.language,
        tags=front.tags,
        published_at=front.published_at,
        body_html=body_html,
    )
