"""`make migration NAME="…"`: draft a migration from what the tables have and no migration yet.

Review the draft: a renamed column appears as one dropped and one added.
"""

import asyncio
import sys
import tempfile

import sqlalchemy as sa
from alembic import command

from paywall.database.migrations import FOLDER, migrate
from paywall.database.migrations.upgrade import configuration
from paywall.database.opening import open_database
from paywall.settings import Settings

VERSIONS = FOLDER / "versions"


async def draft(name: str) -> None:
    number = f"{1 + len(list(VERSIONS.glob('[0-9]*.py'))):04}"

    def compare(connection: sa.Connection) -> None:
        command.revision(configuration(connection, FOLDER), name, autogenerate=True, rev_id=number)

    with tempfile.TemporaryDirectory() as folder:
        async with open_database(Settings(data_dir=folder), requires_migrations=False) as database:
            await migrate(database)
            async with database.writing() as session:
                await (await session.connection()).run_sync(compare)
    (path,) = VERSIONS.glob(f"{number}_*.py")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "# ###" not in line), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(draft(" ".join(sys.argv[1:])))
