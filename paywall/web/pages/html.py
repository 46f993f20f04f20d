"""What all plain pages have: a frame, forms, and headers that keep others out."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from html import escape

from litestar import Response
from litestar.datastructures import Cookie

from paywall.http.origins import is_of_the_site
from paywall.rules.urls import is_web_url
from paywall.settings import Settings
from paywall.web.assets import parts_of
from paywall.web.language import Language
from paywall.web.pages.session import Session

SCRIPT = (
    'addEventListener("pagehide",()=>{document.documentElement.hidden=true});'
    'addEventListener("pageshow",(event)=>{'
    "if(event.persisted)location.replace(location.pathname+location.search)})"
)
"""A page that comes back from the back/forward cache is asked for again, and not shown until then.

Browsers keep pages there in spite of `no-store`. By GET: where a browser keeps the page that a form
led to, to reload it would send the form again.
"""
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}';"
    " style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


class Writer:
    """Writes pages for one reader, in their language."""

    def __init__(self, language: Language, settings: Settings, session: Session | None) -> None:
        self.language = language
        self.settings = settings
        self.session = session
        self.say = language.say

    def page(
        self,
        title: str,
        *parts: str,
        status: int = 200,
        cookies: Sequence[Cookie] = (),
        head: str = "",
    ) -> Response[str]:
        """A whole page; `parts` and `head` are HTML."""
        styles = f"/web/{parts_of(self.settings).version}"
        name = self.language.words["site_name"]
        whole_title = f"{title} · {name}" if name else title
        direction = self.language.locale.text_direction
        content = f"""<!doctype html>
<html lang="{self.language.code}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(whole_title)}</title>
<link rel="stylesheet" href="{styles}/paywall.css">
<link rel="stylesheet" href="{styles}/pages.css">
<script>{SCRIPT}</script>
{head}</head>
<body class="paywall-page">
<header>{self.back()}{self.reader()}</header>
<main><h1>{escape(title)}</h1>
{"".join(parts)}
</main>
</body>
</html>
"""
        return Response(
            content,
            status_code=status,
            media_type="text/html",
            headers=HEADERS,
            cookies=list(cookies),
        )

    @property
    def site(self) -> str | None:
        """The front page of the site, where it is known."""
        return next((f"{origin}/" for origin in self.settings.allowed_origins), None)

    def back(self) -> str:
        """A link to where the reader came from, else to the front page."""
        told = self.session.back_url if self.session else ""
        way = told if is_of_the_site(told, self.settings) else self.site
        return self.link(self.say("back_to_site", site=self.site_name), way) if way else ""

    @property
    def site_name(self) -> str:
        """As a site calls itself among its words."""
        name = self.language.words["site_name"]
        return name if isinstance(name, str) and name else self.say("the_site")

    def reader(self) -> str:
        """Whose pages these are, where that was told, and the way out for a shared computer."""
        if self.session is None:
            return ""
        name = f"<span>{escape(self.session.name)}</span>" if self.session.name else ""
        return f"{name}{self.link(self.say('leave'), '/account/leave')}"

    def languages(self) -> str:
        """The account in each of the languages that there are, by its own name."""
        buttons = "".join(
            f'<button class="paywall-language" name="language" value="{one.code}" lang="{one.code}"'
            f' aria-pressed="{str(one == self.language).lower()}">{escape(one.name)}</button>'
            for _, one in sorted(parts_of(self.settings).languages.by_code.items())
        )
        row = f'<div class="paywall-languages">{buttons}</div>'
        return self.open_form("/account/language", row)

    def sorry(self, words: str, status: int) -> Response[str]:
        """Why there is nothing here, and the way out."""
        way = f'<p class="paywall-actions">{self.back()}</p>'
        return self.page(self.say("account"), self.text(words), way, status=status)

    def away(self, words: str, address: str) -> Response[str]:
        """On to another site's page: a form may not lead there by itself (`form-action`)."""
        refresh = f'<meta http-equiv="refresh" content="0; url={escape(address)}">\n'
        return self.page(words, f"<p>{self.link(words, address)}</p>", head=refresh)

    def way_out(self, words: str, address: str) -> str:
        """A link to a page of the site, in a paragraph; nothing where the address is not one."""
        if not is_of_the_site(address, self.settings):
            return ""
        return f"<p>{self.link(words, address)}</p>"

    def way_to_account(self) -> str:
        return f"<p>{self.link(self.say('account'), '/account')}</p>"

    def text(self, words: str) -> str:
        return f"<p>{escape(words)}</p>"

    def faint(self, words: str) -> str:
        return f'<p class="paywall-left">{escape(words)}</p>'

    def label(self, name: str, text: str) -> str:
        """As text: what it is, and then the thing."""
        return self.say("labelled", label=self.say(name), text=text)

    def link(self, text: str, href: str, *, label: str = "") -> str:
        """`label` is read out in the place of `text`, where others of a page have the same."""
        named = f' aria-label="{escape(label)}"' if label else ""
        return f'<a href="{escape(href)}"{named}>{escape(text)}</a>'

    def named(self, text: str, address: str | None) -> str:
        """A link where there is a web address, else the text alone."""
        return self.link(text, address) if address and is_web_url(address) else escape(text)

    def actions(self, *forms: str) -> str:
        return f'<div class="paywall-actions">{"".join(forms)}</div>' if forms else ""

    def section(self, title: str, *parts: str) -> str:
        return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"

    def items(self, texts: Sequence[str], none: str) -> str:
        """A list of HTML, or a sentence where there is nothing."""
        if not texts:
            return self.text(none)
        return f"<ul>{''.join(f'<li>{text}</li>' for text in texts)}</ul>"

    def form(
        self, path: str, button: str, *, first: bool = False, inner: str = "", **fields: str
    ) -> str:
        """A form of this session with one button."""
        kind = "paywall-button paywall-first" if first else "paywall-button"
        click = f'<button class="{kind}">{escape(button)}</button>'
        return self.open_form(path, f"{inner}{click}", **fields)

    def open_form(self, path: str, inner: str, **fields: str) -> str:
        """A form of this session; its key makes a second click the same as the first."""
        told = {
            "form_token": self.session.form_token if self.session else "",
            "key": secrets.token_hex(16),
            **fields,
        }
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in told.items()
        )
        return f'<form method="post" action="{path}">{hidden}{inner}</form>'
