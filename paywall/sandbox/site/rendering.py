"""Renders the newspaper's pages: what every page has around it, and in which language."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from paywall.sandbox.site.paywall_client import Json, PageViewer
from paywall.sandbox.site.stories import SECTIONS
from paywall.sandbox.site.time_machine import STEPS
from paywall.sandbox.site.translations import LANGUAGES, NewspaperTranslator
from paywall.web.templating import environment_of

SIGN_IN = "/sign-in"
MOVED_ANCHOR = "moved"
TEMPLATES = environment_of("paywall.sandbox.site")


class NewspaperContext(NamedTuple):
    """One request for a page: who asks, for which path, when, and in which language.

    `assets` is None where the service did not answer: the page then has no script of its own.
    """

    viewer: PageViewer
    translator: NewspaperTranslator
    path: str
    service: str = ""
    assets: Json | None = None
    now: datetime | None = None
    has_time_machine: bool = False

    @property
    def reader_id(self) -> str | None:
        return self.viewer.reader_id

    @property
    def language(self) -> str:
        return self.translator.language

    @property
    def site_name(self) -> str:
        return self.translator.site_name

    @property
    def is_sign_in(self) -> bool:
        return self.path.partition("?")[0] == SIGN_IN

    @property
    def sign_in_url(self) -> str:
        """Where to sign in and come back to this page."""
        return f"{SIGN_IN}?back={quote(self.path)}"

    @property
    def words_path(self) -> str:
        """Where the script finds its words: beside itself."""
        folder = self.assets["script"]["path"].rpartition("/")[0] if self.assets else ""
        return f"{folder}/words.json?languages={self.language}"

    @property
    def script_settings(self) -> dict[str, str]:
        """The attributes `data-paywall-…` of the body, which the service's script reads."""
        settings = {
            "login": self.sign_in_url,
            "account": "/account",
            "shop": "/offers",
            "return": "/paid",
            # An article may be in another language than the rest of the page.
            "language": self.language,
        }
        if self.reader_id is not None:
            settings["token"] = "/paywall-token"  # noqa: S105 (an address)
            # For receipts.
            settings["name"] = self.translator.translate(self.reader_id)
        return settings


def render(page: NewspaperContext, template: str, title: str, **values: object) -> str:
    """A whole page from this template; its title is text."""
    return TEMPLATES.get_template(template).render(
        page=page,
        title=title,
        t=page.translator.translate,
        weekday=page.translator.format_weekday,
        sections=SECTIONS,
        languages=LANGUAGES,
        steps=STEPS,
        moved_anchor=MOVED_ANCHOR,
        **values,
    )


def render_feed(name: str, origin: str, articles: list[Json]) -> str:
    """RSS with titles alone, since anybody can read a feed."""
    return TEMPLATES.get_template("feed.xml").render(name=name, origin=origin, articles=articles)
