"""What the newspaper's handlers share: who asks, for which page, and HTML responses."""

from typing import Any, NamedTuple

from litestar import Request, Response
from litestar.datastructures import Cookie, State

from paywall.rules.urls import is_web_url
from paywall.sandbox.site.paywall_client import PaywallClient
from paywall.sandbox.site.rendering import NewspaperContext
from paywall.sandbox.site.session import translator_of, viewer_of
from paywall.sandbox.site.time_machine import TimeMachine

PageRequest = Request[Any, Any, State]


class NewspaperServices(NamedTuple):
    """What the handlers use: the service, and the clock."""

    paywall: PaywallClient
    time: TimeMachine


async def page_context(request: PageRequest, site: NewspaperServices) -> NewspaperContext:
    return NewspaperContext(
        viewer=viewer_of(request),
        translator=translator_of(request),
        path=_request_path(request),
        service=site.paywall.service,
        assets=await site.paywall.assets(),
        now=await site.time.now(),
        has_time_machine=site.time.is_available,
    )


def offline_context(request: PageRequest) -> NewspaperContext:
    """For a page that is shown although the service does not answer."""
    path = _request_path(request) if request.method == "GET" else "/"
    return NewspaperContext(viewer_of(request), translator_of(request), path)


def html_response(
    page: NewspaperContext, html: str, *, status: int = 200, cookies: list[Cookie] | None = None
) -> Response[str]:
    source = f"'self' {page.service}"
    policy = (
        f"default-src 'none'; script-src {source}; style-src {source}; connect-src {source};"
        f" img-src 'self'; form-action {source}; base-uri 'none'; frame-ancestors 'none'"
    )
    return Response(
        html,
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": "no-store", "Content-Security-Policy": policy},
        cookies=cookies,
    )


def origin_of(request: PageRequest) -> str:
    return str(request.base_url).rstrip("/")


def local_path(address: str | None) -> str:
    """This address if it is a path of the newspaper, else the front page."""
    is_path = address is not None and address.startswith("/") and not address.startswith("//")
    return address if address and is_path and is_web_url(f"http://here{address}") else "/"


def _request_path(request: PageRequest) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
