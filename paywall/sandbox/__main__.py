"""`python -m paywall.sandbox`, as `make run` does: the newspaper, the service, the stand-ins."""

import asyncio
import os
from contextlib import ExitStack
from functools import partial

import click

from paywall.cli.errors import cli_errors
from paywall.load_settings import load_settings
from paywall.sandbox.bakong.running import sandbox_bank
from paywall.sandbox.prepare import newspaper_token, prepare, require_sqlite
from paywall.sandbox.site.app import newspaper
from paywall.sandbox.site.paywall_client import PaywallClient
from paywall.sandbox.site.server import address_of, listening, served
from paywall.sandbox.site.time_machine import TimeMachine
from paywall.sandbox.site.translations import THEME_DIR, ZONE
from paywall.sandbox.stripe_process import free_port, running_stand_in
from paywall.sandbox.welcome import StandInAddresses, welcome_text
from paywall.server.serve import make_folder, serve
from paywall.settings import Settings

HOST = "127.0.0.1"
# A line for each request would soon push the instructions out of the terminal.
LOG_LEVEL = "warning"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the service; 0 takes a free one.",
)
@click.option(
    "--site-port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Port of the newspaper; 0 takes a free one.",
)
def main(port: int, site_port: int) -> None:
    """Serve a small newspaper and the service that it sells through, on SQLite in var/.

    It has a dozen articles and four readers: ann, bo, chan and dara. It sells through stand-ins for
    Stripe, unless stripe_secret_key is set, and for Bakong, unless bakong_account is set. It prints
    tokens and commands to paste. Your changes are kept for the next start.
    """
    with cli_errors(), ExitStack() as stack:
        port = port or free_port()
        # The service listens at the end; a port in use is reported before anything is set up.
        listening(HOST, port, "PORT").close()
        listener = stack.enter_context(listening(HOST, site_port))
        paper = address_of(listener)
        # The service reads its settings from the environment.
        os.environ.setdefault("PAYWALL_ALLOWED_ORIGINS", f"{paper},http://{HOST}:{port}")
        os.environ.setdefault("PAYWALL_METER_TIMEZONE", ZONE)
        os.environ.setdefault("PAYWALL_LOG_LEVEL", LOG_LEVEL)
        os.environ.setdefault("PAYWALL_THEME_DIR", str(THEME_DIR))
        # So that receipts are complete, and payments have a button to withdraw.
        os.environ.setdefault("PAYWALL_SELLER_NAME", "The River Post Ltd.")
        os.environ.setdefault("PAYWALL_SELLER_ADDRESS", "12 Sisowath Quay, Phnom Penh")
        os.environ.setdefault("PAYWALL_SELLER_TAX_NUMBER", "K001-901234567")
        os.environ.setdefault("PAYWALL_WITHDRAWAL_DAYS", "14")
        # The newspaper has four metered articles, of which the fourth is closed.
        os.environ.setdefault("PAYWALL_METER_LIMIT", "3")
        loaded = load_settings()
        require_sqlite(loaded)
        make_folder(loaded)
        stripe_address = None
        if not loaded.sells_by_stripe:
            click.echo("Starting a stand-in for Stripe…", err=True)
            stripe_address = stack.enter_context(running_stand_in(loaded.data_path, port))
            loaded = load_settings()
        bank, bank_listener = None, None
        if not loaded.sells_by_bakong and not loaded.is_live:
            bank_listener = stack.enter_context(listening(HOST, 0))
            bank = sandbox_bank(loaded, address_of(bank_listener))
            loaded = load_settings()
        click.echo("Publishing the newspaper's articles, and setting up its readers…", err=True)
        sandbox = asyncio.run(prepare(loaded, paper))

        def announce(address: str, served_settings: Settings) -> None:
            bank_address = address_of(bank_listener) if bank_listener else None
            stand_ins = StandInAddresses(stripe_address, bank_address)
            click.echo(welcome_text(sandbox, address, paper, served_settings.data_dir, stand_ins))
            if bank and bank_listener:
                stack.enter_context(served(bank, bank_listener))
            client = PaywallClient(address, partial(newspaper_token, served_settings))
            time_machine = TimeMachine(client, served_settings.sandbox_clock_url)
            stack.enter_context(served(newspaper(client, time_machine), listener))

        serve(loaded, host=HOST, port=port, workers=1, on_listening=announce)
        click.echo("Stopped.", err=True)


if __name__ == "__main__":
    main()
