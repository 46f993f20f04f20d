"""`paywall bakong unmatched`."""

import asyncio
from collections.abc import Sequence

import click
from sqlmodel import col, select

from paywall.database.opening import open_database
from paywall.database.tables import UnmatchedPayment
from paywall.load_settings import load_settings
from paywall.rules.money import format_money_with_code
from paywall.settings import Settings

LISTED_MAX = 1000


@click.command()
def unmatched() -> None:
    """List payments by KHQR that the site has to resolve.

    Each was made for a code and is not the payment that the code asks for. Give what it was made
    for, or return its money, and record which: POST /v1/unmatched-payments/{id}/resolution. Works
    while the service runs.
    """
    payments = asyncio.run(_outstanding(load_settings()))
    for payment in payments:
        click.echo(_line(payment))
    if not payments:
        click.echo("No payment is unmatched.")


async def _outstanding(loaded: Settings) -> Sequence[UnmatchedPayment]:
    statement = (
        select(UnmatchedPayment)
        .where(col(UnmatchedPayment.resolution).is_(None))
        .order_by(col(UnmatchedPayment.found_at), col(UnmatchedPayment.id))
        .limit(LISTED_MAX)
    )
    async with (
        open_database(loaded, for_writing=False) as database,
        database.reading() as session,
    ):
        return (await session.exec(statement)).all()


def _line(payment: UnmatchedPayment) -> str:
    money = format_money_with_code(payment.amount, payment.currency)
    return (
        f"{payment.id}  {payment.found_at:%Y-%m-%d %H:%M}  {payment.reason}: {money}"
        f" from {payment.from_account or 'unknown'} to {payment.to_account},"
        f" reader {payment.reader_id}, hash {payment.hash}"
    )
