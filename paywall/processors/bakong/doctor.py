"""Diagnose the installation's use of Bakong, without changing anything here or at the bank."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from paywall.bakong_settings import STAND_IN_TOKEN
from paywall.diagnosis import Diagnosis
from paywall.processors.bakong.api_errors import BankUnclear
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.khqr import md5_of
from paywall.settings import Settings
from paywall.telemetry import BakongOutcome
from paywall.tokens.unverified import unverified_expiry

ENDS_SOON = timedelta(days=14)
# Codes say when they end by this machine's clock, and apps compare it with their own.
CLOCK_SECONDS_MAX = 60
RENEW = "Run `paywall bakong renew-token`, set bakong_token, and restart the service."
REMEDIES = {
    BakongOutcome.TOKEN_REFUSED: RENEW,
    BakongOutcome.FORBIDDEN: "Run the service in Cambodia, or ask the bank to allow its address.",
    BakongOutcome.TOO_MANY: "Wait some minutes, then run this again.",
}
ELSE = "Check the network and the setting bakong_api_base."


async def diagnose_bakong(settings: Settings, now: datetime) -> AsyncIterator[Diagnosis | str]:
    """Yield each problem and each passed check."""
    yield _token(settings, now)
    client = BakongClient(settings)
    try:
        async for finding in _bank(settings, client, now):
            yield finding
    except BankUnclear as error:
        yield Diagnosis(error.detail, REMEDIES.get(error.outcome, ELSE))
    finally:
        await client.close()


def end_of_token(token: str) -> datetime | None:
    """When a token of the bank's, or of the stand-in's, says that it ends."""
    return unverified_expiry(token.removeprefix(STAND_IN_TOKEN))


def _token(settings: Settings, now: datetime) -> Diagnosis | str:
    expires_at = end_of_token(settings.bakong_token)
    if expires_at is None:
        return Diagnosis("bakong_token does not say when it ends.", RENEW)
    if expires_at <= now:
        return Diagnosis(f"bakong_token ended on {expires_at:%-d %B %Y}.", RENEW)
    if expires_at <= now + ENDS_SOON:
        return Diagnosis(f"bakong_token ends on {expires_at:%-d %B %Y}.", RENEW)
    return f"bakong_token is valid until {expires_at:%-d %B %Y}."


async def _bank(
    settings: Settings, client: BakongClient, now: datetime
) -> AsyncIterator[Diagnosis | str]:
    account = await client.account(settings.bakong_account)
    if account.exists:
        yield f"Bakong has the account {settings.bakong_account}."
    else:
        yield Diagnosis(
            f"Bakong has no account {settings.bakong_account}.",
            "Compare bakong_account with the app of the bank: nothing paid to it would arrive.",
        )
    if account.bank_time is not None:
        apart = abs((account.bank_time - now).total_seconds())
        if apart > CLOCK_SECONDS_MAX:
            yield Diagnosis(
                f"The clocks of this machine and of Bakong are {apart:.0f} s apart.",
                "Synchronise this machine's with NTP: KHQR codes say when they end.",
            )
    # No code has this MD5; the bank checks the token before it looks.
    await client.transaction(md5_of("paywall doctor"))
    yield "Bakong takes the token, and answers questions about payments."
