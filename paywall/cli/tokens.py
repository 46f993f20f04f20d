"""`paywall token …` and `paywall keys …`."""

import asyncio
from datetime import datetime, timedelta

import click

from paywall.cli.parameters import IdParameter
from paywall.database.opening import open_database
from paywall.database.sqlite import DatabaseInUse
from paywall.load_settings import load_settings
from paywall.server.sandbox_clock import sandbox_clock
from paywall.settings import Settings
from paywall.tokens.issuers import OWN_NAME
from paywall.tokens.keys import Keyring
from paywall.tokens.limits import (
    READER_LIFETIME_SECONDS_MAX,
    SITE_LIFETIME_SECONDS,
    SITE_LIFETIME_SECONDS_MAX,
)
from paywall.tokens.mint import Minted, mint_reader, mint_site
from paywall.tokens.revocation import Target, revoke
from paywall.tokens.scopes import SCOPES, parse_scopes
from paywall.tokens.verify import Verifier

DELAY_HOURS_MAX = 24 * 30


class _Scopes(click.ParamType[frozenset[str]]):
    name = "scopes"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[str]:
        try:
            return parse_scopes(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


@click.group()
def token() -> None:
    """Mint and revoke tokens. Minting works while the service runs."""


@token.command(
    "site",
    help=f"""Mint a token for the publisher's server, and print only the token.

    Its holder can do what its scopes allow until it ends or is revoked. Keep it on the server, and
    give it as few scopes as possible.

    \b
    Scopes:
    {chr(10).join(f"    {scope:<20}{may}" for scope, may in SCOPES.items()).lstrip()}

    \b
    Example:
      paywall token site --scope "access:check readers:token"
    """,
)
@click.option("--scope", "scopes", type=_Scopes(), required=True, help="Separated by spaces.")
@click.option(
    "--subject",
    type=IdParameter(),
    default="site",
    show_default=True,
    help="The holder; the ledger records it as the actor.",
)
@click.option(
    "--lifetime-seconds",
    type=click.IntRange(1, SITE_LIFETIME_SECONDS_MAX),
    default=SITE_LIFETIME_SECONDS,
    show_default=True,
    help="Seconds until it ends; the default is 90 days, the maximum 366.",
)
def token_site(scopes: frozenset[str], subject: str, lifetime_seconds: int) -> None:
    _print(asyncio.run(_mint_site(load_settings(), scopes, subject, lifetime_seconds)))


@token.command("reader")
@click.argument("reader_id", metavar="ID", type=IdParameter())
def token_reader(reader_id: str) -> None:
    """Mint a token for one reader, and print only the token.

    It lasts 15 minutes. ID is the site's own id of the reader. Use this command only to try
    things out: a site gets the tokens of its readers from POST /v1/readers/ID/token, and those end
    with the site token that requested them.
    """
    _print(asyncio.run(_mint_reader(load_settings(), reader_id)))


@token.command(
    "revoke",
    help="""Revoke one token, or all tokens of a subject.

    Every process refuses them from the next request on. For a subject, all tokens that exist now
    are revoked. Reader tokens that were minted with a revoked site token end with it. While the
    service runs on SQLite, revoke through it: POST /v1/tokens/revoke.

    \b
    Examples:
      paywall token revoke --token-id=0mDqsT3Zx2wB8yqk0cJ8uA
      paywall token revoke --subject=site
    """,
)
@click.option("--token-id", type=IdParameter(), help="The claim `jti` of one token.")
@click.option("--subject", type=IdParameter(), help="The claim `sub`: all tokens that it has now.")
@click.option(
    "--issuer", type=IdParameter(), default=OWN_NAME, show_default=True, help="The claim `iss`."
)
def token_revoke(token_id: str | None, subject: str | None, issuer: str) -> None:
    if (token_id is None) == (subject is None):
        raise click.UsageError("Give --token-id or --subject, and not both.")
    asyncio.run(_revoke(load_settings(), Target(issuer, token_id, subject)))
    click.echo("Revoked.", err=True)


@click.group()
def keys() -> None:
    """The service's own signing keys, in keys.json in the data_dir."""


@keys.command("rotate")
@click.option(
    "--delay-hours",
    type=click.IntRange(0, DELAY_HOURS_MAX),
    default=0,
    show_default=True,
    help="Hours until the new key signs; with several machines, the time to copy keys.json.",
)
def keys_rotate(delay_hours: int) -> None:
    """Sign with a new key.

    A running service uses it at once, or after the delay: until then it accepts the key, and signs
    with the old one. Tokens signed with the old key stay valid until they expire, and a later
    rotation removes that key. If it was stolen, remove it from keys.json: its tokens are then
    refused at once.
    """
    kid, signs_from = asyncio.run(_rotate(load_settings(), timedelta(hours=delay_hours)))
    if not delay_hours:
        click.echo(f"New tokens are signed with the key {kid}.", err=True)
        return
    click.echo(
        f"From {signs_from.isoformat(timespec='seconds')} on, new tokens are signed with the key"
        f" {kid}. Copy keys.json to the other machines before.",
        err=True,
    )


def _print(minted: Minted) -> None:
    """Print only the token to standard output, so that a script can read it."""
    click.echo(minted.token)
    click.echo(
        f"The token expires at {minted.expires_at.isoformat()}."
        f" To revoke it earlier: paywall token revoke --token-id={minted.token_id}",
        err=True,
    )


async def _mint_site(
    loaded: Settings, scopes: frozenset[str], subject: str, lifetime_seconds: int
) -> Minted:
    now = await _now(loaded)
    return mint_site(
        Keyring(loaded.data_path).newest(now),
        subject=subject,
        scopes=scopes,
        lifetime_seconds=lifetime_seconds,
        now=now,
    )


async def _mint_reader(loaded: Settings, reader_id: str) -> Minted:
    now = await _now(loaded)
    return mint_reader(
        Keyring(loaded.data_path).newest(now),
        reader_id=reader_id,
        lifetime_seconds=READER_LIFETIME_SECONDS_MAX,
        now=now,
    )


async def _revoke(loaded: Settings, target: Target) -> None:
    try:
        async with open_database(loaded) as database:
            issuers = Verifier(loaded, database.clock).issuers
            async with database.writing() as session:
                await revoke(session, issuers, target, database.clock.now())
    except DatabaseInUse as error:
        raise DatabaseInUse(
            "A running service writes to the database, and SQLite allows only one writer."
            " Revoke through the service: POST /v1/tokens/revoke with a site token that has the"
            " scope admin."
        ) from error


async def _rotate(loaded: Settings, delay: timedelta) -> tuple[str, datetime]:
    """The id of the new key, and when it begins to sign."""
    now = await _now(loaded)
    return Keyring(loaded.data_path).rotate(now, now + delay).kid, now + delay


async def _now(loaded: Settings) -> datetime:
    """The time by which the service checks tokens: the database's, or the sandbox's."""
    if loaded.sandbox_clock_url:
        return (await sandbox_clock(loaded.sandbox_clock_url)).now()
    async with open_database(loaded, for_writing=False, requires_migrations=False) as database:
        return database.clock.now()
