"""`python -m paywall.sandbox.stripe`: the stand-in as a server of its own."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

import click
import uvicorn

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.rendering import NOT_STRIPE
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.sandbox.stripe.server import create_app
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.sandbox.stripe.state_file import load_state
from paywall.server.connection_limits import IDLE_SECONDS
from paywall.telemetry import LOGGING

COUPONS = {"FREE": "100", "HALF": "50"}


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True)
@click.option("--webhook", metavar="URL", help="Where signed events go; nowhere unless told.")
@click.option("--secret", metavar="whsec_…", default="whsec_standin", show_default=True)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where everything is kept for the next start; forgotten unless told.",
)
def main(port: int, webhook: str | None, secret: str, file: Path | None) -> None:
    """Stand in for Stripe on this machine: no money moves."""
    address = f"http://127.0.0.1:{port}"
    # Its ids must differ from those of an earlier run, which the service may still know.
    stand_in = StandIn(datetime.now(UTC), series=secrets.token_hex(4), address=address)
    if file and file.exists():
        load_state(stand_in, file)
    else:
        for code, percent in COUPONS.items():
            create_coupon(stand_in.account, {"id": code, "percent_off": percent})
    click.echo(f"{NOT_STRIPE} The stand-in's API, and the bank's desk: {address}", err=True)
    uvicorn.run(
        create_app(StandInRunner(stand_in, webhook, secret, file)),
        host="127.0.0.1",
        port=port,
        log_config=LOGGING,
        access_log=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=2,
    )


if __name__ == "__main__":
    main()
