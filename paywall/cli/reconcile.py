"""`paywall reconcile`, for every processor that is set up."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import click

from paywall.database.engine import Database
from paywall.database.opening import open_database
from paywall.load_settings import load_settings
from paywall.problems import STRIPE_OFF, Problem
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.context import BakongContext
from paywall.processors.bakong.sweeper import sweep
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.reconcile import reconcile as reconcile_stripe
from paywall.rules.enums import CodeOutcome
from paywall.settings import Settings

BUSY = "Another process is reconciling."


@click.command()
def reconcile() -> None:
    """Update the recorded data to what Stripe and Bakong have.

    The service does this by itself, every few minutes or more often. With Stripe it handles the
    events that no webhook delivered, compares all subscriptions, and corrects and prints the
    differences. It asks Bakong about all KHQR codes of the last seven days. On SQLite, stop the
    service first.
    """
    for line in asyncio.run(_reconcile(load_settings())):
        click.echo(line)


async def _reconcile(loaded: Settings) -> list[str]:
    """What was found at each processor. Raises Problem(STRIPE_OFF) where there is none."""
    if not loaded.sells_by_stripe and not loaded.sells_by_bakong:
        raise Problem(STRIPE_OFF)
    async with open_database(loaded) as database:
        lines = [await _reconcile_with_stripe(database, loaded)] if loaded.sells_by_stripe else []
        if loaded.sells_by_bakong:
            lines += await _ask_bakong(database, loaded)
        return lines


async def _reconcile_with_stripe(database: Database, loaded: Settings) -> str:
    client = StripeClient(loaded)
    try:
        drift = await reconcile_stripe(StripeContext(database, client, loaded))
    finally:
        await client.close()
    return BUSY if drift is None else str(drift)


async def _ask_bakong(database: Database, loaded: Settings) -> list[str]:
    client = BakongClient(loaded)
    try:
        outcomes = await sweep(BakongContext(database, client, loaded), whole=True)
    finally:
        await client.close()
    return [BUSY] if outcomes is None else list(_lines(outcomes))


def _lines(outcomes: Counter[CodeOutcome]) -> Iterator[str]:
    if not outcomes.keys() - {CodeOutcome.KNOWN, CodeOutcome.NOT_PAID}:
        yield "Nothing was missing: the records agree with Bakong."
    if given := outcomes[CodeOutcome.GIVEN]:
        yield f"Given: {given} payments by KHQR that were not recorded yet."
    if unmatched := outcomes[CodeOutcome.UNMATCHED]:
        yield f"To resolve: {unmatched} payments that match no code; see paywall bakong unmatched."
    if unclear := outcomes[CodeOutcome.UNCLEAR]:
        yield f"Bakong did not answer clearly about {unclear} payments: try again later."
