"""The newsletter: the newest articles as plain text."""

import textwrap
from collections.abc import Mapping
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser

from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.teasers import all_details
from paywall.sandbox.site.translations import NewspaperTranslator

LINE_CHARACTERS_MAX = 72


def newsletter_text(
    translator: NewspaperTranslator,
    origin: str,
    now: datetime,
    articles: list[Json],
    decisions: Mapping[str, Json],
) -> str:
    """These articles, each with its preview and the address where it goes on."""
    head = [translator.site_name, translator.format_weekday(now), "=" * LINE_CHARACTERS_MAX]
    parts = ["\n".join(head)]
    for article in all_details(translator, articles, decisions):
        facts = [article["byline"], article["minutes"], article["tag"]]
        parts += [
            article["title"].upper(),
            " · ".join(fact for fact in facts if fact),
            _wrapped(article["standfirst"]),
            *_paragraphs(decisions[article["id"]]["preview_html"] or ""),
            f"{translator.translate('go_on_reading')}: {origin}/{article['id']}",
            "-" * LINE_CHARACTERS_MAX,
        ]
    parts.append(translator.translate("colophon"))
    return "\n\n".join(parts) + "\n"


def _paragraphs(html: str) -> list[str]:
    found = LexborHTMLParser(html, is_fragment=True).css("p, h2, blockquote")
    return [_wrapped(" ".join(node.text().split())) for node in found]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, LINE_CHARACTERS_MAX, break_long_words=False)
