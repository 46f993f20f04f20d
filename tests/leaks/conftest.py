"""A site with two articles that are on record, and the command as it is typed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paywall.articles.publish import ArticleUpdate
from paywall.cli.main import main
from paywall.rules.decision import ArticleTerms, Policy
from paywall.settings import Settings
from tests.installation import Installation
from tests.leaks.site import ARTICLES, TITLE, Site, served_site

QUICK = ("--allow-private", "--requests-per-second", "1000")


@pytest.fixture
def here(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    return Installation(settings, tmp_path)


@pytest.fixture
def site() -> Iterator[Site]:
    with served_site() as site:
        yield site


@pytest.fixture
def recorded(site: Site, here: Installation) -> Site:
    """The site, whose articles are on record with a preview of one paragraph."""
    for article_id, (path, _, body_html) in ARTICLES.items():
        here.publish(article(article_id, site.address + path, body_html))
    return site


def article(
    article_id: str, url: str | None, body_html: str | None, policy: Policy = Policy.PREMIUM
) -> ArticleUpdate:
    terms = ArticleTerms(policy, 1)
    return ArticleUpdate(article_id, TITLE, terms, url=url, preview=1, body_html=body_html)


@pytest.fixture
def leaks() -> Callable[..., Result]:
    """Run `paywall leaks` with these words, against this machine and without delay."""

    def run(*words: str, options: tuple[str, ...] = QUICK) -> Result:
        return CliRunner().invoke(main, ["leaks", *options, *words])

    return run
