"""`python -m paywall.sandbox`, which is `make run`: the service, with something in it to try."""

import asyncio
from contextlib import ExitStack

import click

from paywall import settings
from paywall.cli import told_in_a_sentence
from paywall.operations.serve import make_folder, serve
from paywall.sandbox.bank import free_port, standing_in
from paywall.sandbox.prepare import prepare, refuse_other_databases
from paywall.sandbox.welcome import welcome


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
def main(port: int) -> None:
    """Serve a small news site from var/, on SQLite, to try things with.

    It has a few articles and two readers, ann and bo, and sells by a stand-in for Stripe, unless
    a key of Stripe's is set. It prints tokens and commands to paste. What you change is kept for
    the next start.
    """
    with told_in_a_sentence(), ExitStack() as stack:
        port = port or free_port()
        loaded = settings.load()
        bank = None
        if not loaded.sells_by_stripe:
            refuse_other_databases(loaded)
            make_folder(loaded)
            bank = stack.enter_context(standing_in(loaded.data_path, port))
            loaded = settings.load()
        sandbox = asyncio.run(prepare(loaded))
        serve(
            loaded,
            host="127.0.0.1",
            port=port,
            workers=1,
            say=lambda address, _: click.echo(welcome(sandbox, address, loaded.data_dir, bank)),
        )


if __name__ == "__main__":
    main()
