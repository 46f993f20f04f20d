"""The body of `paywall export`."""

from paywall.database import Database
from paywall.operations.ledger_proof import require_file
from paywall.settings import Settings
from paywall.subscribers.export import export_reader, require_on_record
from paywall.subscribers.exported import ReaderExport


async def exported(settings: Settings, reader_id: str) -> ReaderExport:
    """Everything about a reader in one snapshot, beside a running service.

    Raises NoDatabase where SQLite's file was never made, and Problem(SUBSCRIBER_UNKNOWN).
    """
    require_file(settings)
    database = Database(settings, for_writing=False)
    try:
        await database.measure_clock()
        async with database.reading() as session:
            await require_on_record(session, reader_id)
            return await export_reader(session, reader_id, database.clock.now())
    finally:
        await database.close()
