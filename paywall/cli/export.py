"""The body of `paywall export`."""

from paywall.database.opening import open_database
from paywall.settings import Settings
from paywall.subscribers.export import export_reader, require_on_record
from paywall.subscribers.export_models import ReaderExport


async def exported(settings: Settings, reader_id: str) -> ReaderExport:
    """Everything about a reader in one snapshot, beside a running service.

    Raises NotMigratedError, and Problem(SUBSCRIBER_UNKNOWN).
    """
    async with (
        open_database(settings, for_writing=False) as database,
        database.reading() as session,
    ):
        await require_on_record(session, reader_id)
        return await export_reader(session, reader_id, database.clock.now())
