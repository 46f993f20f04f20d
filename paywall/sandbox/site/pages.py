"""The newspaper's pages, as HTML."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import NamedTuple

from babel.dates import format_date

from paywall.sandbox.site.publisher import Json, Viewer
from paywall.sandbox.site.session import READERS

NAME = "The River Post"
NAMES = {"en": NAME, "km": "ដំណឹងមាត់ទន្លេ"}
BADGES = {
    "free": "Free",
    "registered": "For readers who sign in",
    "metered": "Five a month are free",
    "premium": "Premium",
    "subscribers": "For subscribers",
}


class Frame(NamedTuple):
    """What every page has around it."""

    service: str
    parts: Json
    viewer: Viewer
    path: str
    has_time_machine: bool

    @property
    def is_signed_in(self) -> bool:
        return self.viewer.reader_id is not None


def page(
    frame: Frame, title: str, main: str, *, language: str = "en", head: str = "", entry: str = ""
) -> str:
    """A whole page; `entry` is a form that works without the script."""
    script, style = frame.parts["script"], frame.parts["style"]
    return f"""<!doctype html>
<html lang="{escape(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="/icon.svg">
<link rel="alternate" type="application/rss+xml" title="{NAME}" href="/feed.xml">
<link rel="stylesheet" href="{frame.service}{style["path"]}"
 integrity="{style["integrity"]}" crossorigin="anonymous">
<link rel="stylesheet" href="/site.css">
<script type="module" src="{frame.service}{script["path"]}"
 integrity="{script["integrity"]}" crossorigin="anonymous"></script>
{head}
</head>
<body{_settings(frame)}>
<header class="masthead">
<a class="name" href="/">{NAME} <span lang="km">{NAMES["km"]}</span></a>
<nav aria-label="You">{_nav(frame)}</nav>
</header>
<main>
{main}
</main>
<footer>
<p>A newspaper that does not exist, in which every word is made up. It sells through paywall.</p>
{entry}{_time_machine(frame)}
</footer>
</body>
</html>
"""


def _settings(frame: Frame) -> str:
    """What the reader's parts need to know."""
    settings = {
        "login": f"/sign-in?back={frame.path}",
        "account": "/account",
        "return": "/paid",
    }
    if frame.viewer.reader_id is not None:
        settings["token"] = "/paywall-token"  # noqa: S105 (an address)
        if language := READERS[frame.viewer.reader_id].language:
            settings["language"] = language
    return "".join(f' data-paywall-{name}="{escape(at)}"' for name, at in settings.items())


def _nav(frame: Frame) -> str:
    if not frame.is_signed_in:
        sign_in = f"/sign-in?back={escape(frame.path)}"
        return f'<a href="/offers">Subscribe</a><a href="{sign_in}">Sign in</a>'
    name = escape(READERS[str(frame.viewer.reader_id)].name)
    return (
        f'<paywall-credits></paywall-credits><a href="/account">{name}</a>'
        '<form method="post" action="/sign-out"><button class="plain">Sign out</button></form>'
    )


def _time_machine(frame: Frame) -> str:
    if not frame.has_time_machine:
        return ""
    buttons = "".join(
        f'<button name="days" value="{days}">{text}</button>'
        for days, text in ((1, "A day later"), (7, "A week later"), (31, "A month later"))
    )
    back = f'<input type="hidden" name="back" value="{escape(frame.path)}">'
    return f'<form class="time" method="post" action="/time">{back}Time machine: {buttons}</form>'


def front(articles: list[Json], decisions: Mapping[str, Json]) -> str:
    """The front page: the newest article first and large."""
    items = "".join(_teaser(article, decisions.get(article["id"])) for article in articles)
    return f'<h1 class="hidden">{NAME}</h1><div class="front">{items}</div>'


def _teaser(article: Json, decision: Json | None) -> str:
    language = escape(article["language"] or "en")
    href, title = escape(article["id"]), escape(article["title"])
    return (
        f'<article lang="{language}"><h2><a href="/{href}">{title}</a></h2>'
        f'<p class="about">{_day(article)}{_badge(article, decision)}</p></article>'
    )


def _badge(article: Json, decision: Json | None) -> str:
    if decision and decision["reason"] in ("unlocked", "subscribed"):
        text = "Yours to read"
    elif article["policy"] == "premium":
        cost = article["unlock_cost"]
        text = f"Premium: {cost} credit{'s' if cost > 1 else ''}"
    else:
        text = BADGES[article["policy"]]
    return f' <span class="badge" lang="en">{text}</span>'


def _day(article: Json) -> str:
    if not article["published_at"]:
        return ""
    at = datetime.fromisoformat(article["published_at"])
    shown = format_date(at, "long", locale=(article["language"] or "en").replace("-", "_"))
    return f'<time datetime="{article["published_at"]}">{shown}</time>'


def article_page(article: Json, told: Json, entry: str) -> str:
    """The body for who may read it; for others the preview, inside the gate."""
    decision = told["decision"]
    body = told["body_html"] or ""
    if not decision["granted"]:
        body = (
            f'<paywall-gate article="{escape(article["id"])}">{told["preview_html"]}'
            f"<noscript>{entry}</noscript></paywall-gate>"
        )
    meter = decision["meter"]
    counted = meter and (
        f'<p><paywall-meter used="{meter["used"]}" limit="{meter["limit"]}"></paywall-meter></p>'
    )
    paid = ' class="paywall-content"' if decision["granted"] and article["policy"] != "free" else ""
    return (
        f'<article class="story"><h1>{escape(article["title"])}</h1>'
        f'<p class="about">{_day(article)}{_badge(article, decision)}</p>{counted or ""}'
        f"<div{paid}>{body}</div></article>"
    )


def sign_in_page(back: str) -> str:
    """Choose who to be; a real site asks for more."""
    readers = "".join(
        f'<button class="paywall-button" name="reader" value="{reader_id}">'
        f"{escape(reader.name)}</button>"
        for reader_id, reader in READERS.items()
    )
    return (
        '<h1>Sign in</h1><p>This is a sandbox: choose who you are.</p><form method="post"'
        f' action="/sign-in" class="readers">{readers}<input type="hidden" name="back"'
        f' value="{escape(back)}"></form>'
        "<p>Ann has a few credits, Bo has none, and Chan is a subscriber.</p>"
    )


def entry_form(service: str, token: str, **fields: str) -> str:
    """Into the service's own pages, which need no script; the token lasts five minutes."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in {"token": token, **fields}.items()
    )
    texts = {"unlock": "Unlock this article", "account": "All that is kept about you"}
    return (
        f'<form method="post" action="{service}/account/enter">{hidden}'
        f'<button class="paywall-button">{texts[fields["page"]]}</button></form>'
    )


def account_page(entry: str) -> str:
    return (
        "<h1>Your account</h1><p><paywall-meter></paywall-meter></p>"
        "<h2>Subscription</h2><paywall-subscription></paywall-subscription>"
        f"<h2>Everything else</h2>{entry}"
        "<h2>Buy</h2><paywall-offers></paywall-offers>"
    )


def offers_page(frame: Frame) -> str:
    sign_in = (
        "" if frame.is_signed_in else '<p><a href="/sign-in?back=/offers">Sign in</a> to buy.</p>'
    )
    return f"<h1>Subscribe</h1>{sign_in}<paywall-offers></paywall-offers>"


def paid_page() -> str:
    return "<h1>Your payment</h1><paywall-return></paywall-return>"


def sorry_page() -> str:
    return "<h1>Not now</h1><p>This page cannot be shown now. Try again in a minute.</p>"


def missing_page() -> str:
    return '<h1>Nothing here</h1><p><a href="/">To the front page</a></p>'


def feed(articles: list[Json], origin: str) -> str:
    """RSS with titles alone: a feed is read by anybody."""
    items = "".join(
        f"<item><title>{escape(item['title'])}</title><link>{origin}/{escape(item['id'])}</link></item>"
        for item in articles
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>'
        f"<title>{NAME}</title><link>{origin}/</link><description>{NAME}</description>"
        f"{items}</channel></rss>"
    )
