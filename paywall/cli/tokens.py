"""The bodies of `paywall token …` and `paywall keys …`."""

from datetime import datetime

from paywall.database.opening import open_database
from paywall.database.sqlite import DatabaseInUse
from paywall.settings import Settings
from paywall.tokens.keys import Keyring
from paywall.tokens.limits import READER_LIFETIME_SECONDS_MAX
from paywall.tokens.mint import Minted, mint_reader, mint_site
from paywall.tokens.revocation import Target, revoke
from paywall.tokens.verify import Verifier


async def site_token(
    settings: Settings, scopes: frozenset[str], subject: str, lifetime_seconds: int
) -> Minted:
    """Mint a site token; works beside a running service."""
    now = await _now(settings)
    return mint_site(
        Keyring(settings.data_path).newest(now),
        subject=subject,
        scopes=scopes,
        lifetime_seconds=lifetime_seconds,
        now=now,
    )


async def reader_token(settings: Settings, reader_id: str) -> Minted:
    """Mint a reader token; works beside a running service."""
    now = await _now(settings)
    return mint_reader(
        Keyring(settings.data_path).newest(now),
        reader_id=reader_id,
        lifetime_seconds=READER_LIFETIME_SECONDS_MAX,
        now=now,
    )


async def revoke_tokens(settings: Settings, target: Target) -> None:
    """Write a revocation; raises NotMigratedError, or DatabaseInUse beside a service on SQLite."""
    try:
        async with open_database(settings) as database:
            issuers = Verifier(settings, database.clock).issuers
            async with database.writing() as session:
                await revoke(session, issuers, target, database.clock.now())
    except DatabaseInUse as error:
        raise DatabaseInUse(
            "A running service is writing to the database, and SQLite takes one writer alone."
            " Revoke through the service: POST /v1/tokens/revoke with a site token that has the"
            " scope admin."
        ) from error


async def rotate_keys(settings: Settings) -> str:
    """Add a signing key; the id of it. A running service signs with it at once."""
    return Keyring(settings.data_path).rotate(await _now(settings)).kid


async def _now(settings: Settings) -> datetime:
    """The time of the database, by which tokens are checked."""
    async with open_database(settings, for_writing=False, requires_migrations=False) as database:
        return database.clock.now()
