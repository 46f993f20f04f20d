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
@click.option(
    "--webhook", metavar="URL", help="Where to send signed events; without it they are only listed."
)
@click.option("--secret", metavar="whsec_…", default="whsec_standin", show_default=True)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to keep the state in; without it the state is lost at the end.",
)
def main(port: int, webhook: str | None, secret: str, file: Path | None) -> None:
    """Run a stand-in for Stripe on this machine. No money moves."""
    address = f"http://127.0.0.1:{port}"
    # The service may still know ids of an earlier run, so new ones must differ.
    stand_in = StandIn(datetime.now(UTC), id_namespace=secrets.token_hex(4), address=address)
    if file and file.exists():
        load_state(stand_in, file)
    else:
        for code, percent in COUPONS.items():
            create_coupon(stand_in.account, {"id": code, "percent_off": percent})
    click.echo(f"{NOT_STRIPE} The stand-in's API and its dashboard: {address}", err=True)
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
