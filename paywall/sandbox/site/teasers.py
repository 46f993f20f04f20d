"""An article as the newspaper shows it in a list or above its body."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.stories import STORIES, picture_of
from paywall.sandbox.site.translations import NewspaperTranslator


def own_articles(articles: Iterable[Json], language: str) -> list[Json]:
    """The newspaper's own articles in this language, in the newspaper's order."""
    by_id = {article["id"]: article for article in articles}
    return [
        by_id[story.id]
        for story in STORIES.values()
        if story.id in by_id and story.metadata.language == language
    ]


def details(translator: NewspaperTranslator, article: Json, decision: Json) -> Json:
    """The article with its day, its tag, and what the newspaper itself keeps of it."""
    at = article["published_at"]
    shown = article | {
        "day": translator.format_day(datetime.fromisoformat(at)) if at else "",
        "month": translator.format_month(datetime.fromisoformat(at)) if at else "",
        "tag": _tag(translator, article, decision),
        "is_unlocked": decision["reason"] == "unlocked",
    }
    story = STORIES.get(article["id"])
    if story is None:
        return shown | dict.fromkeys(("section", "standfirst", "byline", "minutes", "picture"))
    return shown | {
        "section": story.metadata.section,
        "standfirst": story.metadata.standfirst,
        "byline": translator.translate("by", author=story.metadata.byline),
        "minutes": translator.translate("reading_time", minutes=story.reading_minutes),
        "picture": picture_of(story),
    }


def all_details(
    translator: NewspaperTranslator, articles: Iterable[Json], decisions: Mapping[str, Json]
) -> list[Json]:
    return [details(translator, article, decisions[article["id"]]) for article in articles]


def _tag(translator: NewspaperTranslator, article: Json, decision: Json) -> str:
    """What it takes to read the article, or why it is open; empty where that is plain."""
    if decision["reason"] in ("free", "unlocked", "metered"):
        return translator.translate(decision["reason"])
    if decision["granted"]:
        return ""
    if article["policy"] == "metered" and decision["reason"] == "login_required":
        return translator.translate("metered")
    if article["policy"] in ("registered", "subscribers"):
        return translator.translate(article["policy"])
    cost = article["unlock_cost"]
    if cost == 1:
        return translator.translate("premium_one")
    return translator.translate("premium", cost=cost)
