"""`python -m paywall.sandbox`, which is `make run`: the service, with something in it to try."""

import asyncio
import os
from contextlib import ExitStack

import click

from paywall import settings
from paywall.cli import told_in_a_sentence
from paywall.operations.serve import serve
from paywall.sandbox.bank import BankClock, deliver_to, environment, open_bank, stock
from paywall.sandbox.prepare import prepare
from paywall.sandbox.site.app import newspaper
from paywall.sandbox.site.publisher import Publisher
from paywall.sandbox.site.server import address_of, listening, served
from paywall.sandbox.stripe.server import create_app as stand_in
from paywall.sandbox.welcome import welcome
from paywall.settings import Settings

HOST = "127.0.0.1"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--site-port",
    type=click.IntRange(0, 65535),
    default=8001,
    show_default=True,
    help="Port of the newspaper; 0 takes a free one.",
)
@click.option(
    "--bank-port",
    type=click.IntRange(0, 65535),
    default=8002,
    show_default=True,
    help="Port of the stand-in for Stripe; 0 takes a free one.",
)
def main(port: int, site_port: int, bank_port: int) -> None:
    """Serve a small newspaper and the service that it sells through, on SQLite in var/.

    It has a dozen articles and three readers: ann, bo and chan. A stand-in for Stripe takes their
    money, which is none. It prints tokens and commands to paste. What you change is kept for the
    next start; the stand-in forgets all.
    """
    with told_in_a_sentence(), ExitStack() as stack:
        paper_listener = stack.enter_context(listening(HOST, site_port, "--site-port"))
        bank_listener = stack.enter_context(listening(HOST, bank_port, "--bank-port"))
        paper, bank_address = address_of(paper_listener), address_of(bank_listener)
        # What serves reads its settings from here.
        os.environ.update(environment(paper, bank_address))
        loaded = settings.load()
        bank = open_bank(bank_address)
        stack.enter_context(served(stand_in(bank), bank_listener))
        sandbox = asyncio.run(prepare(loaded, paper, BankClock(bank)))
        asyncio.run(stock(loaded))

        def say(address: str, _settings: Settings) -> None:
            deliver_to(bank, address)
            publisher = Publisher(address, sandbox.paper_token, loaded.sandbox_clock_url)
            click.echo(welcome(sandbox, address, paper, loaded.data_dir))
            stack.enter_context(served(newspaper(publisher), paper_listener))

        serve(loaded, host=HOST, port=port, workers=1, say=say)


if __name__ == "__main__":
    main()
