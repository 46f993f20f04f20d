"""What every page of the newspaper has around it: the head, the masthead and the footer."""

from datetime import datetime
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from paywall.sandbox.site.paywall_client import Json, PageViewer
from paywall.sandbox.site.time_machine import STEPS
from paywall.sandbox.site.translations import LANGUAGES, NewspaperTranslator

SIGN_IN = "/sign-in"
MOVED_ANCHOR = "moved"


class NewspaperContext(NamedTuple):
    """One request for a page: who looks, where, when, and in which language.

    Without `parts` the page has none: the service did not tell where they are.
    """

    viewer: PageViewer
    words: NewspaperTranslator
    here: str
    service: str = ""
    parts: Json | None = None
    now: datetime | None = None
    has_time_machine: bool = False

    @property
    def sign_in(self) -> str:
        """Where to sign in, so as to come back here."""
        return f"{SIGN_IN}?back={quote(self.here)}"


def page(frame: NewspaperContext, title: str, main: str, *, head: str = "") -> str:
    """A whole page."""
    words = frame.words
    return f"""<!doctype html>
<html lang="{words.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · {words.name}</title>
<link rel="icon" href="/icon.svg">
<link rel="alternate" type="application/rss+xml" title="{words.name}" href="/feed.xml">
{_parts(frame)}<link rel="stylesheet" href="/site.css">
{head}
</head>
<body{_settings(frame)}>
<header>
<div class="dateline">{_date(frame)}{_languages(frame)}</div>
<div class="masthead">
<a class="name" href="/">{words.name}</a>
{_shop(frame)}<nav aria-label="{words.translate("you")}">{_nav(frame)}</nav>
</div>
</header>
<main>
<paywall-thanks></paywall-thanks>
{_moved(frame)}{main}
</main>
<footer>
{_time_machine(frame)}<p>{words.translate("colophon")}</p>
</footer>
</body>
</html>
"""


def _parts(frame: NewspaperContext) -> str:
    """The reader's parts, at today's addresses, and what they have to be byte for byte."""
    if frame.parts is None:
        return ""
    script, style = frame.parts["script"], frame.parts["style"]
    return f"""<link rel="stylesheet" href="{frame.service}{style["path"]}"
 integrity="{style["integrity"]}" crossorigin="anonymous" referrerpolicy="no-referrer">
<script type="module" src="{frame.service}{script["path"]}"
 integrity="{script["integrity"]}" crossorigin="anonymous"
 referrerpolicy="no-referrer"></script>
"""


def _settings(frame: NewspaperContext) -> str:
    """What the reader's parts need to know."""
    settings = {
        "login": frame.sign_in,
        "account": "/account",
        "shop": "/offers",
        "return": "/paid",
        # An article may be in another language than the newspaper is read in.
        "language": frame.words.language,
    }
    if frame.viewer.reader_id is not None:
        settings["token"] = "/paywall-token"  # noqa: S105 (an address)
    return "".join(f' data-paywall-{name}="{escape(at)}"' for name, at in settings.items())


def _date(frame: NewspaperContext) -> str:
    if frame.now is None:
        return ""
    return f'<time datetime="{frame.now.isoformat()}">{frame.words.weekday(frame.now)}</time>'


def _languages(frame: NewspaperContext) -> str:
    buttons = "".join(
        f'<button class="plain" name="language" value="{code}" lang="{code}"'
        f' aria-pressed="{str(code == frame.words.language).lower()}">{name}</button>'
        for code, name in LANGUAGES.items()
    )
    label = frame.words.translate("language")
    return (
        f'<form class="languages" method="post" action="/language" aria-label="{label}">'
        f"{_back(frame)}{buttons}</form>"
    )


def _shop(frame: NewspaperContext) -> str:
    """For who is signed in it stands beside the name: on a telephone the nav's line is full."""
    if frame.viewer.reader_id is None:
        return ""
    return f'<a href="/offers">{frame.words.translate("buy")}</a>\n'


def _nav(frame: NewspaperContext) -> str:
    say = frame.words.translate
    if frame.viewer.reader_id is None:
        is_there = frame.here.partition("?")[0] == SIGN_IN
        sign_in = "" if is_there else f'<a href="{frame.sign_in}">{say("sign_in")}</a>'
        return f'<a href="/offers">{say("subscribe")}</a>{sign_in}'
    return (
        f'<paywall-credits></paywall-credits><a href="/account">{say("account")}</a>'
        f'<form method="post" action="/sign-out"><button class="plain">{say("sign_out")}</button>'
        "</form>"
    )


def _moved(frame: NewspaperContext) -> str:
    """The line that the time machine leads to; the style sheet shows it to nobody else."""
    if frame.now is None or not frame.has_time_machine:
        return ""
    now = frame.words.translate("it_is_now", date=frame.words.weekday(frame.now))
    return f'<p class="moved" id="{MOVED_ANCHOR}" role="status">{now}</p>\n'


def _time_machine(frame: NewspaperContext) -> str:
    if not frame.has_time_machine:
        return ""
    say = frame.words.translate
    buttons = "".join(
        f'<button name="step" value="{step}">{say(f"{step}_later")}</button>' for step in STEPS
    )
    return (
        f'<form class="time" method="post" action="/time">{_back(frame)}'
        f"<b>{say('time_machine')}</b>{buttons}</form>\n"
    )


def _back(frame: NewspaperContext) -> str:
    """Where a form comes back to."""
    return f'<input type="hidden" name="back" value="{escape(frame.here)}">'
