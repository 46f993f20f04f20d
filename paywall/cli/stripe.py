"""`paywall catalogue sync`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from paywall.cli.errors import CommandError
from paywall.database.opening import open_database
from paywall.load_settings import load_settings
from paywall.problems import STRIPE_OFF, Problem
from paywall.processors.stripe import catalogue as stripe_catalogue
from paywall.processors.stripe.catalogue import Difference, differ
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext


@asynccontextmanager
async def _stripe_context() -> AsyncIterator[StripeContext]:
    """Raises Problem(STRIPE_OFF), NotMigratedError, or DatabaseInUse beside a service on SQLite."""
    loaded = load_settings()
    if not loaded.sells_by_stripe:
        raise Problem(STRIPE_OFF)
    async with open_database(loaded) as database:
        client = StripeClient(loaded)
        try:
            yield StripeContext(database, client, loaded)
        finally:
            await client.close()


@click.group()
def catalogue() -> None:
    """Manage plans, packs and passes."""


@catalogue.command("sync")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def sync(*, yes: bool) -> None:
    """Create the catalogue's products and prices in Stripe.

    It shows the differences, and asks before it changes anything. Existing prices are reused; what
    was sold keeps its terms. On SQLite, stop the service first.
    """
    difference = asyncio.run(_differ())
    if difference.refused:
        raise CommandError("\n".join(difference.refused))
    if not difference.lacking and not difference.ending:
        asyncio.run(_apply(difference))
        click.echo("Stripe matches the catalogue.")
        return
    click.echo(str(difference))
    if not yes:
        click.confirm("Make these changes?", abort=True)
    asyncio.run(_apply(difference))
    click.echo("Done: Stripe matches the catalogue.")


async def _differ() -> Difference:
    async with _stripe_context() as context:
        return await differ(context.database, context.client)


async def _apply(difference: Difference) -> None:
    async with _stripe_context() as context:
        await stripe_catalogue.apply(context.database, context.client, difference)
