"""Renders plain pages for one reader, with headers that keep other sites out."""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.status_codes import HTTP_403_FORBIDDEN
from markupsafe import Markup

from paywall.http.origins import is_of_the_site
from paywall.rules.urls import is_web_url
from paywall.settings import Settings
from paywall.web.assets import assets_of
from paywall.web.pages.session import PageSession
from paywall.web.templating import environment_of

# Browsers keep pages in the back/forward cache in spite of `no-store`: such a page is hidden, and
# fetched again. By GET, because reloading the page that a form led to would send the form again.
SCRIPT = Markup(
    'addEventListener("pagehide",()=>{document.documentElement.hidden=true});'
    'addEventListener("pageshow",(event)=>{'
    "if(event.persisted)location.replace(location.pathname+location.search)})"
)
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}';"
    " style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
SENTENCES = {
    "active": "access_until",
    "ended": "ended_on",
    "payment_pending": "renewing",
    "lapsed": "payment_failed",
}


class PageRenderer:
    """Renders templates in the language of one reader."""

    def __init__(
        self, request: Request[Any, Any, Any], settings: Settings, session: PageSession | None
    ) -> None:
        self.settings = settings
        self.session = session
        self.now = request.app.state.clock.now()
        # Whose the page was is then no longer shown.
        self.is_over = False
        # The front page of the site, where it is known.
        self.site = next((f"{origin}/" for origin in settings.allowed_origins), None)
        self.assets = assets_of(settings)
        self.language = self.assets.languages.choose_for(
            session.preferred if session else "", request.headers.get("Accept-Language", "")
        )
        self.direction = self.language.locale.text_direction
        self.translate = self.language.translate

    def render(
        self,
        template: str,
        title: str,
        values: Mapping[str, object],
        *,
        status: int = 200,
        cookies: Sequence[Cookie] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response[str]:
        """A page; `title` is the name of a text, and `values` are what the template shows."""
        language = self.language
        content = (
            environment_of("paywall.web")
            .get_template(template)
            .render(
                assets_path=f"/web/{self.assets.version}",
                icon=self.assets.icon,
                logo=self.assets.logo,
                site_url=self.site,
                back_url=self.back_url,
                day=language.day,
                end=partial(language.end, now=self.now),
                form_token=self.session.form_token if self.session else "",
                is_web_url=is_web_url,
                direction=self.direction,
                language=language,
                languages=self.assets.languages.by_code,
                moment=language.moment,
                money=language.money,
                # Of a form: sending the form twice has one effect.
                new_key=lambda: secrets.token_hex(16),
                script=SCRIPT,
                sentences=SENTENCES,
                session=None if self.is_over else self.session,
                start=partial(language.start, now=self.now),
                site_name=language.words["site_name"] or self.translate("the_site"),
                status=status,
                t=self.translate,
                title=self.translate(title),
                **values,
            )
        )
        return Response(
            content,
            status_code=status,
            media_type="text/html",
            headers={**HEADERS, **(headers or {})},
            cookies=list(cookies),
        )

    def render_message(
        self, message: str, status: int, headers: Mapping[str, str] | None = None
    ) -> Response[str]:
        """Why there is nothing here, and the way back to the site."""
        return self.render(
            "base.html",
            "account",
            {"message": self.translate(message)},
            status=status,
            headers=headers,
        )

    def render_over(self) -> Response[str]:
        """Why the page has closed. It does not name the reader that it was open for."""
        self.is_over = True
        return self.render_message("session_over", HTTP_403_FORBIDDEN)

    def render_missing(self, status: int, headers: Mapping[str, str]) -> Response[str]:
        """For an address or a method that no page has. Nobody has looked whose the session is."""
        self.is_over = True
        values = {"message": self.translate("no_page")}
        return self.render("base.html", "page_missing", values, status=status, headers=headers)

    @property
    def back_url(self) -> str | None:
        """Where the reader came from, else the front page."""
        return self.page_of_site(self.session.back_url if self.session else "") or self.site

    def page_of_site(self, url: str) -> str | None:
        """The address, where it is a page of the site."""
        return url if is_of_the_site(url, self.settings) else None
