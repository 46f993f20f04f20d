"""`paywall export`."""

import asyncio

import click
import msgspec

from paywall import settings
from paywall.cli.parameters import IdParameter
from paywall.database.opening import open_database
from paywall.settings import Settings
from paywall.subscribers.export import export_reader, require_on_record
from paywall.subscribers.export_models import ReaderExport


@click.command(
    "export",
    help="""Print everything on record about READER.

    The output is indented JSON, which you can give to the reader. Each section begins with a
    description of its contents. Works while the service runs.

    \b
    Example:
      paywall export sophea > sophea.json
    """,
)
@click.argument("reader_id", metavar="READER", type=IdParameter())
def export_command(reader_id: str) -> None:
    export = asyncio.run(_export(settings.load_settings(), reader_id))
    click.echo(msgspec.json.format(msgspec.json.encode(export), indent=2).decode())


async def _export(loaded: Settings, reader_id: str) -> ReaderExport:
    async with (
        open_database(loaded, for_writing=False) as database,
        database.reading() as session,
    ):
        await require_on_record(session, reader_id)
        return await export_reader(session, reader_id, database.clock.now())
