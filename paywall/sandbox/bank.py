"""The stand-in for Stripe that the newspaper sells through: loudly not Stripe."""

import secrets
from datetime import UTC, datetime

from paywall.clock import Clock
from paywall.database import Database
from paywall.gateway import Gateway
from paywall.operations.catalogue_sync import apply, differ
from paywall.sandbox.stripe.running import Running
from paywall.sandbox.stripe.standin import StandIn
from paywall.settings import Settings

KEY = "sk_test_sandbox"
SECRET = "whsec_sandbox"  # noqa: S105 (of the stand-in, which keeps none)


class BankClock(Clock):
    """Reads the bank's clock at each look: one time for all, at once after it was moved."""

    def __init__(self, bank: Running) -> None:
        self.bank = bank

    def measured(self, told: datetime, asked: float, answered: float) -> None:
        """The bank tells the time, not the database."""

    def now(self) -> datetime:
        return self.bank.stand_in.account.at


def environment(paper: str, bank: str) -> dict[str, str]:
    """The settings of a service whose newspaper and whose bank are at these addresses."""
    return {
        "PAYWALL_ALLOWED_ORIGINS": paper,
        "PAYWALL_STRIPE_SECRET_KEY": KEY,
        "PAYWALL_STRIPE_WEBHOOK_SECRETS": SECRET,
        "PAYWALL_STRIPE_API_BASE": bank,
        "PAYWALL_SANDBOX_CLOCK_URL": f"{bank}/clock",
    }


def open_bank(address: str) -> Running:
    """A bank that nobody has an account at yet.

    It forgets all when it ends, so its ids must differ from those that the service may still know.
    """
    stand_in = StandIn(datetime.now(UTC), series=secrets.token_hex(4), address=address)
    return Running(stand_in, None, SECRET)


def deliver_to(bank: Running, service: str) -> None:
    """From now on the bank tells this service of everything."""
    bank.webhook_url = f"{service}/v1/webhooks/stripe"


async def stock(settings: Settings) -> None:
    """Put the catalogue's prices into the bank; it must be served."""
    database, gateway = Database(settings), Gateway(settings)
    try:
        await database.measure_clock()
        await apply(database, gateway, await differ(database, gateway))
    finally:
        await gateway.close()
        await database.close()
