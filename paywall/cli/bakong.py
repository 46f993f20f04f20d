"""`paywall bakong`: its token, and payments that the site has to resolve."""

import asyncio

import click

from paywall.cli.unmatched import unmatched
from paywall.load_settings import load_settings
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.doctor import end_of_token
from paywall.settings import Settings


@click.group()
def bakong() -> None:
    """Sell with KHQR codes through Bakong."""


bakong.add_command(unmatched)


@bakong.command("renew-token")
@click.option("--email", required=True, help="The address that was registered with the bank.")
def renew_token(email: str) -> None:
    """Get a new token from the bank, and print it.

    Set it as bakong_token, and restart the service. The bank answers in Cambodia only.
    """
    token = asyncio.run(_renew(load_settings(), email))
    click.echo(token)
    if expires_at := end_of_token(token):
        click.echo(f"It ends on {expires_at:%-d %B %Y}.", err=True)
    click.echo("Set it as bakong_token, then restart the service.", err=True)


async def _renew(settings: Settings, email: str) -> str:
    client = BakongClient(settings)
    try:
        return await client.renew_token(email)
    finally:
        await client.close()
