"""`paywall export`."""

import asyncio
import csv
import sys
from pathlib import Path

import click
import msgspec

from paywall.cli.parameters import IdParameter
from paywall.database.opening import open_database
from paywall.imports.wordpress.folder import FolderSettings, read_settings
from paywall.imports.wordpress.way_back import HEADER, rows_back
from paywall.load_settings import load_settings
from paywall.settings import Settings
from paywall.subscribers.export import export_reader, require_on_record
from paywall.subscribers.export_models import ReaderExport


@click.command(
    "export",
    help="""Print everything on record about READER.

    The output is indented JSON, which you can give to the reader. Each section begins with a
    description of its contents. Works while the service runs.

    With --wordpress it prints the way back to Penci Paywall or JNews Paywall instead: CSV with what
    every reader has now, as fields of the plug-in. FOLDER is the one that was imported; only its
    settings.json is read.

    \b
    Examples:
      paywall export sophea > sophea.json
      paywall export --wordpress export/ > back.csv
    """,
)
@click.argument("reader_id", metavar="[READER]", type=IdParameter(), required=False)
@click.option(
    "--wordpress",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Print the fields of the old plug-in for all readers.",
)
def export_command(reader_id: str | None, wordpress: Path | None) -> None:
    loaded = load_settings()
    if wordpress is not None and reader_id is None:
        asyncio.run(_export_back(loaded, read_settings(wordpress)))
    elif reader_id is not None and wordpress is None:
        export = asyncio.run(_export(loaded, reader_id))
        click.echo(msgspec.json.format(msgspec.json.encode(export), indent=2).decode())
    else:
        raise click.UsageError("Name either a READER or --wordpress FOLDER.")


async def _export_back(loaded: Settings, folder: FolderSettings) -> None:
    """Write the rows as they are read; a line ends as in RFC 4180."""
    writer = csv.writer(sys.stdout)
    async with open_database(loaded, for_writing=False) as database:
        writer.writerow(HEADER)
        async for row in rows_back(database, folder):
            writer.writerow(row)


async def _export(loaded: Settings, reader_id: str) -> ReaderExport:
    async with (
        open_database(loaded, for_writing=False) as database,
        database.reading() as session,
    ):
        await require_on_record(session, reader_id)
        return await export_reader(session, reader_id, loaded, database.clock.now())
