"""What every flow with Stripe needs."""

from typing import NamedTuple

from paywall.database.engine import Database
from paywall.problems import STRIPE_OFF, Problem
from paywall.processors.stripe.client import StripeClient
from paywall.settings import Settings


class StripeContext(NamedTuple):
    """The database, the client of Stripe's API, and the settings."""

    database: Database
    client: StripeClient
    settings: Settings


def require_stripe(stripe: StripeContext | None) -> StripeContext:
    """Raises Problem(STRIPE_OFF) where this service does not sell by Stripe."""
    if stripe is None:
        raise Problem(STRIPE_OFF)
    return stripe
