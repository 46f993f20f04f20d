"""Connects Stripe's SDK to a stand-in in the same process."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import stripe

from paywall.sandbox.stripe.faults import ConnectionReset, NoResponse
from paywall.sandbox.stripe.stand_in import StandIn


class InProcessClient(stripe.HTTPClient):
    """An HTTP client for `stripe.StripeClient` (async methods) that uses no network.

    Retries follow at once, without the SDK's pauses.
    """

    name = "stand-in"

    def __init__(self, stand_in: StandIn, timeout_seconds: float) -> None:
        super().__init__()
        self.stand_in = stand_in
        self.timeout_seconds = timeout_seconds

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a request. Raises APIConnectionError for a planned reset or time-out."""
        parts = urlsplit(url)
        form = post_data if method.lower() == "post" else parts.query
        try:
            response = self.stand_in.respond(method, parts.path, form or "", headers)
        except ConnectionReset as error:
            raise _connection_error("Connection reset.") from error
        except NoResponse as error:
            await asyncio.sleep(self.timeout_seconds)
            raise _connection_error("Timed out.") from error
        return response.body, response.status, response.headers

    async def sleep_async(self, _secs: float) -> None:
        """No pause between two tries."""

    async def close_async(self) -> None:
        """There is no connection to close."""


def _connection_error(message: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(  # type: ignore[no-untyped-call]  # the SDK has no types here
        message, should_retry=True
    )
