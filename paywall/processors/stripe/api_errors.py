"""The errors of Stripe's API as Problems, and the time limit of a call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from paywall.lazy_import import lazy_import
from paywall.problems import (
    PAYMENT_DECLINED,
    REQUEST_IN_PROGRESS,
    STRIPE_OFF,
    STRIPE_REFUSED,
    Problem,
    Unconfirmed,
    unavailable,
)
from paywall.processors.stripe.units import InexactAmount
from paywall.telemetry import logger

if TYPE_CHECKING:
    import stripe
else:
    stripe = lazy_import("stripe")

CALL_SECONDS = 4.0
# Of a call whose answer can be done without, beside others that need the request's time.
EXTRA_SECONDS = 1.5

# The problems of any route that calls Stripe, beside `unavailable`.
REFUSALS = (PAYMENT_DECLINED, STRIPE_OFF, REQUEST_IN_PROGRESS, STRIPE_REFUSED)


class Missing(Problem):
    """Stripe has no object with this id; `param` is the request's parameter that named it."""

    def __init__(self, param: str | None) -> None:
        super().__init__(STRIPE_REFUSED, "Stripe does not have what this is about any more.")
        self.param = param


@asynccontextmanager
async def api_call(seconds: float = CALL_SECONDS) -> AsyncIterator[None]:
    """Limit a call's time, and raise the SDK's errors as Problems."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Unconfirmed("Stripe does not answer in time.", is_answered=False) from error
    except msgspec.ValidationError as error:
        logger.exception("stripe answered in another shape")
        raise unavailable("Stripe answered what this service does not understand.") from error
    except InexactAmount as error:
        logger.exception(
            "stripe states an inexact amount", extra={"fields": {"detail": error.detail}}
        )
        raise
    except stripe.StripeError as error:
        raise _problem_of(error) from error


def _problem_of(error: "stripe.StripeError") -> Exception:
    """The Problem for an error of the SDK (https://docs.stripe.com/error-handling)."""
    match error:
        case stripe.APIConnectionError():
            return Unconfirmed("Stripe cannot be reached.", is_answered=False)
        case stripe.CardError():
            return Problem(PAYMENT_DECLINED)
        case stripe.RateLimitError():
            return unavailable("Stripe is asked too often.", retry_after_seconds=5)
        case stripe.InvalidRequestError(code="resource_missing", param=param):
            logger.info("stripe does not have it", extra={"fields": {"param": param}})
            return Missing(param)
        case stripe.InvalidRequestError(code="invoice_upcoming_none"):
            # It has ended since it was fetched.
            return Problem(STRIPE_REFUSED)
        case stripe.AuthenticationError() | stripe.PermissionError():
            logger.error("stripe does not take stripe_secret_key, or not for this")
            return Problem(STRIPE_REFUSED)
        case stripe.APIError():
            # A conflict (409) means that an earlier try with the same key is still in progress.
            status = error.http_status or HTTPStatus.CONFLICT
            is_answered = status >= HTTPStatus.INTERNAL_SERVER_ERROR
            return Unconfirmed("Stripe failed.", is_answered=is_answered)
        case _:
            logger.error("stripe refused", exc_info=error)
            return Problem(STRIPE_REFUSED)
