"""Pages for what cannot be shown; each has something to read that needs no other page."""

import httpx
from litestar import Response
from litestar.exceptions import HTTPException

from paywall.sandbox.site import pages
from paywall.sandbox.site.responses import PageRequest, html_response, offline_context
from paywall.telemetry import logger


def refused(request: PageRequest, error: HTTPException) -> Response[str]:
    """An unknown address, a method that it does not have, or a wrong query."""
    page = offline_context(request)
    status = error.status_code
    return html_response(page, pages.failure_page(page, "missing", "missing_why"), status=status)


def unavailable(request: PageRequest, _error: httpx.HTTPError) -> Response[str]:
    """Without an answer of the service no article is shown."""
    page = offline_context(request)
    return html_response(page, pages.failure_page(page, "sorry", "sorry_why"), status=503)


def failed(request: PageRequest, error: Exception) -> Response[str]:
    logger.error("the newspaper failed", exc_info=error)
    page = offline_context(request)
    return html_response(page, pages.failure_page(page, "failed", "failed_why"), status=500)
