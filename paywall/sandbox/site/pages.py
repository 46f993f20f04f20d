"""The newspaper's pages, each as the HTML that stands between masthead and footer."""

from collections.abc import Mapping
from datetime import datetime
from html import escape

from paywall.sandbox.site import noscript
from paywall.sandbox.site.layout import NewspaperContext
from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.session import READERS
from paywall.sandbox.site.translations import LANGUAGES, NewspaperTranslator, choose_translator

_BY_SCRIPT = ' class="by-script"'
"""On what would be empty where no script runs."""


def front(words: NewspaperTranslator, articles: list[Json], decisions: Mapping[str, Json]) -> str:
    """The front page: what is in the reader's language first, the newest of it large."""
    own = [article for article in articles if article["language"] in (words.language, None)]
    others = [article for article in articles if article not in own]
    html = f'<h1 class="hidden">{words.name}</h1>{_teasers(words, own, decisions)}'
    if others:
        title = words.translate("other_languages")
        html += f'<h2 class="section">{title}</h2>{_teasers(words, others, decisions)}'
    return html


def _teasers(
    words: NewspaperTranslator, articles: list[Json], decisions: Mapping[str, Json]
) -> str:
    items = "".join(
        f'<article><h2{_lang(article)}><a href="/{escape(article["id"])}">'
        f"{escape(article['title'])}</a></h2>{_about(words, article, decisions[article['id']])}"
        "</article>"
        for article in articles
    )
    return f'<div class="front">{items}</div>'


def _about(words: NewspaperTranslator, article: Json, decision: Json) -> str:
    """When it was published, and what it takes to read it."""
    day, tag = "", _tag(words, article, decision)
    if at := article["published_at"]:
        day = f'<time datetime="{at}">{words.day(datetime.fromisoformat(at))}</time>'
    if tag:
        kind = "tag yours" if decision["reason"] == "unlocked" else "tag"
        tag = f'<span class="{kind}">{tag}</span>'
    return f'<p class="about">{day}{tag}</p>'


def _tag(words: NewspaperTranslator, article: Json, decision: Json) -> str:
    """What is open to the reader needs no tag, unless it says why."""
    if decision["reason"] in ("free", "unlocked", "metered"):
        return words.translate(decision["reason"])
    if decision["granted"]:
        return ""
    if article["policy"] == "metered" and decision["reason"] == "login_required":
        return words.translate("metered")
    if article["policy"] in ("registered", "subscribers"):
        return words.translate(article["policy"])
    cost = article["unlock_cost"]
    return words.translate("premium_one") if cost == 1 else words.translate("premium", cost=cost)


def _lang(article: Json) -> str:
    return f' lang="{escape(article["language"])}"' if article["language"] else ""


def article_page(words: NewspaperTranslator, article: Json, told: Json, way_on: str) -> str:
    """The body for who may read it; for others the preview, inside the gate.

    `way_on` takes the gate's place where no script runs.
    """
    decision = told["decision"]
    body = told["body_html"] or ""
    if not decision["granted"]:
        body = (
            f'<paywall-gate article="{escape(article["id"])}" policy="{article["policy"]}"'
            f' cost="{article["unlock_cost"]}">{told["preview_html"]}'
            f"<noscript>{way_on}</noscript></paywall-gate>"
        )
    counted = _counted(words, article, decision)
    paid = ' class="paywall-content"' if decision["granted"] and article["policy"] != "free" else ""
    return (
        f'<article class="story"><h1{_lang(article)}>{escape(article["title"])}</h1>'
        f"{_about(words, article, decision)}{counted}"
        f"<div{paid}{_lang(article)}>{body}</div></article>"
    )


def _counted(words: NewspaperTranslator, article: Json, decision: Json) -> str:
    """How many of the month's free articles were read, or that all of them were."""
    if meter := decision["meter"]:
        counts = f'used="{meter["used"]}" limit="{meter["limit"]}"'
        said = words.translate("meter", used=meter["used"], limit=meter["limit"])
        return f"<p><paywall-meter {counts}>{said}</paywall-meter></p>"
    if article["policy"] == "metered" and not decision["granted"]:
        return f"<p>{words.translate('free_ones_read')}</p>"
    return ""


def sign_in_page(words: NewspaperTranslator, back: str) -> str:
    """Choose who to be; a real site asks for more."""
    readers = "".join(
        f'<li><button class="paywall-button" name="reader" value="{reader_id}">'
        f"{words.translate(reader_id)}</button>"
        f" <span>{words.translate(f'about_{reader_id}')}</span></li>"
        for reader_id in READERS
    )
    return (
        f"<h1>{words.translate('sign_in')}</h1><p>{words.translate('choose_reader')}</p>"
        f'<form method="post" action="/sign-in"><ul class="readers">{readers}</ul>'
        f'<input type="hidden" name="back" value="{escape(back)}"></form>'
    )


def entry_form(frame: NewspaperContext, text: str, fields: Mapping[str, str]) -> str:
    """Into the service's own pages, which need no script; the token lasts five minutes."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in {**_about_the_reader(frame), **fields}.items()
    )
    return (
        f'<form method="post" action="{frame.service}/account/enter">{hidden}'
        f'<button class="paywall-button">{text}</button></form>'
    )


def _about_the_reader(frame: NewspaperContext) -> dict[str, str]:
    name = frame.words.translate(str(frame.viewer.reader_id))
    return {"language": frame.words.language, "name": name}


def account_page(frame: NewspaperContext, unlocks: list[Json], entry: str) -> str:
    """What a reader has, by the parts; and the way to everything that is kept."""
    say = frame.words.translate
    reader = say(str(frame.viewer.reader_id))
    return (
        f"<h1>{say('your_account')}</h1><p>{say('signed_in_as', reader=reader)}</p>"
        f"{noscript.account(frame, entry)}"
        f"<h2{_BY_SCRIPT}>{say('credits')}</h2><paywall-credits lapsing></paywall-credits>"
        "<p><paywall-meter></paywall-meter></p>"
        f"<h2{_BY_SCRIPT}>{say('subscription')}</h2><paywall-subscription></paywall-subscription>"
        f"<h2{_BY_SCRIPT}>{say('payments')}</h2><paywall-payments></paywall-payments>"
        f"<h2>{say('unlocked_articles')}</h2>{_unlocked(frame.words, unlocks)}"
        f"<h2{_BY_SCRIPT}>{say('buy')}</h2><paywall-offers></paywall-offers>"
        f"<h2{_BY_SCRIPT}>{say('your_data')}</h2><div{_BY_SCRIPT}>{entry}</div>"
    )


def _unlocked(words: NewspaperTranslator, unlocks: list[Json]) -> str:
    if not unlocks:
        return f"<p>{words.translate('none_unlocked')}</p>"
    items = "".join(
        f'<li><a href="/{escape(unlock["article_id"])}"{_lang(unlock)}>'
        f"{escape(unlock['title'] or unlock['article_id'])}</a>"
        f" <span>{_unlocked_for(words, unlock)}</span></li>"
        for unlock in unlocks
    )
    return f'<ul class="unlocked">{items}</ul>'


def _unlocked_for(words: NewspaperTranslator, unlock: Json) -> str:
    """The day, and the credits that it took; what was given took none."""
    day = words.day(datetime.fromisoformat(unlock["unlocked_at"]))
    cost = sum(payment["amount"] for payment in unlock["payments"])
    return f"{day} · {words.credits(cost)}" if cost else day


def offers_page(frame: NewspaperContext, offers: Json, entry: str) -> str:
    """What can be bought, with prices for everybody."""
    say, sign_in = frame.words.translate, ""
    if frame.viewer.reader_id is None:
        link = f'<a class="paywall-button" href="{frame.sign_in}">{say("sign_in_to_buy")}</a>'
        sign_in = f"<p>{link}</p>"
    return (
        f"<h1>{say('offers')}</h1><paywall-offers>"
        f"<noscript>{noscript.goods(frame.words, offers)}{entry}</noscript></paywall-offers>"
        f"{sign_in}"
    )


def paid_page(words: NewspaperTranslator, said: str) -> str:
    """Waits and leads back by itself; where no script runs, `said` is what is known by now."""
    return (
        f"<h1>{words.translate('payment')}</h1>"
        f"<paywall-return><noscript>{said}</noscript></paywall-return>"
    )


def missing_page(words: NewspaperTranslator) -> str:
    link = f'<a href="/">{words.translate("to_the_front")}</a>'
    return f"<h1>{words.translate('missing')}</h1><p>{link}</p>"


def later_page(frame: NewspaperContext, title: str, why: str) -> str:
    """What could not be shown in full, and the way to try it again."""
    say = frame.words.translate
    return (
        f"<h1>{say(title)}</h1><p>{say(why)}</p>"
        f'<p><a href="{escape(frame.here)}">{say("try_again")}</a></p>'
    )


def feed(articles: list[Json], origin: str) -> str:
    """RSS with titles alone: a feed is read by anybody."""
    name = escape(" · ".join(choose_translator([language]).name for language in LANGUAGES))
    items = "".join(
        f"<item><title>{escape(item['title'])}</title><link>{origin}/{escape(item['id'])}</link></item>"
        for item in articles
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>{name}</title><link>{origin}/</link><description>{name}</description>"
        f"{items}</channel></rss>"
    )
