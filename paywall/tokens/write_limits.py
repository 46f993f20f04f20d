"""Limits of writing requests: a leaked token, or a loop in a site, must not take all capacity."""

from litestar.types import HTTPScope, WebSocketScope

from paywall.http.rate_limits import RateLimit
from paywall.settings import Settings
from paywall.telemetry import Limit
from paywall.tokens.caller import Caller, TokenKind

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Checks are asked by POST, and are not limited.
CHECKS = "/v1/access/"


class WriteLimits:
    """Counts the writes of each site token, and of each reader whatever their token."""

    def __init__(self, settings: Settings) -> None:
        self._of_sites = RateLimit(Limit.SITE, settings.site_writes_per_minute_max)
        self._of_readers = RateLimit(Limit.READER, settings.reader_writes_per_minute_max)

    def count(self, caller: Caller) -> None:
        """Count one write; raises Problem (RATE_LIMITED) if there were too many."""
        if caller.kind is TokenKind.SITE:
            self._of_sites.count((caller.issuer, caller.token_id))
        else:
            self._of_readers.count(caller.subject)


def is_limited(scope: HTTPScope | WebSocketScope) -> bool:
    """Whether a request is a write."""
    return scope.get("method") in WRITES and not scope["path"].startswith(CHECKS)
