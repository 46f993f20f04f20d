"""The phases: migrate under load, both releases at once, this one alone, and back to the other."""

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from paywall.settings import Settings
from tests.bench.seed import Size, seed_postgres
from tests.postgres import free_port, postgres_server, psql
from tests.processes import Served, environment, until_the_end
from tests.torture import verify
from tests.torture.journal import Journal
from tests.torture.shop import put_articles
from tests.upgrade.load import Load, Locks, put_pack
from tests.upgrade.release import Release

SIZE = Size(readers=100_000, articles=10_000, unlocks=1_000_000)
WORKERS = 2
PHASE_SECONDS, PAUSE_SECONDS = 15.0, 1.0
KILLS = 5
KILLED_WITHIN_SECONDS = (0.3, 2.5)
LOCK_SECONDS_MAX = 1.0
SERVED = "every request is answered, and never by 5xx"
UNLOCKED = "no request waits for a lock of a table for a second"
STOPPED = "a service stops when it is asked to"
MIGRATED = "the migrations that were killed are applied by the next run"

Report = Callable[[str], None]


@dataclass
class Upgrade:
    """One database, two releases of the service at it."""

    old: Release
    new: Release
    folder: Path
    address: str
    report: Report
    chance: Random
    journal: Journal = field(default_factory=Journal)

    def surroundings(self, release: Release) -> dict[str, str]:
        given = environment(
            database_url=self.address,
            # Both sign with the same keys.
            data_dir=str(self.folder / "var"),
            # Apart from how busy the machine is; locks are watched for themselves.
            request_timeout_seconds="10",
        )
        return given | {"PYTHONPATH": str(release.folder)}

    def start(self, release: Release, stack: ExitStack) -> "Serving":
        """Start a service with load; the stack ends what is left of it after a failure."""
        folder = self.folder / release.name
        folder.mkdir(exist_ok=True)
        words = release.command("serve", "--workers", str(WORKERS))
        served = Served(words, folder, free_port(), self.surroundings(release))
        stack.enter_context(until_the_end(served))
        return Serving(release, served, Load(served, self.journal, self.chance))

    async def stop(self, it: "Serving") -> None:
        """As a proxy does it: no new requests first."""
        await it.load.end()
        status = await asyncio.to_thread(it.served.stop)
        self.journal.check(STOPPED, status == 0, f"{it.release.name}: status {status}")

    async def migrate(self, release: Release, *, killed_after: float | None = None) -> str:
        """What it printed, to its end or until it was killed."""
        process = await asyncio.create_subprocess_exec(
            *release.command("migrate"), cwd=self.folder, env=self.surroundings(release),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if killed_after is not None:
            await asyncio.sleep(killed_after)
            with suppress(ProcessLookupError):
                process.kill()
        output, _ = await process.communicate()
        if killed_after is None and process.returncode:
            raise RuntimeError(output.decode())
        return output.decode()

    async def run(self) -> None:
        """Up to the new release and back to the old one, on the schema of the new one."""
        with ExitStack() as stack:
            old = self.start(self.old, stack)
            await put_pack(old.served)
            await put_articles(old.served.address, old.served.site_token("admin"))
            old.load.begin()
            await self._migrate_under_load()
            new = self.start(self.new, stack)
            new.load.begin()
            await self._phase("both releases serve")
            await self.stop(old)
            await self._phase("this release serves alone")
            old = self.start(self.old, stack)
            old.load.begin()
            await self._phase("both serve, on the way back")
            await self.stop(new)
            await self._phase("the earlier release serves alone, on the newer schema")
            await self.stop(old)

    async def _migrate_under_load(self) -> None:
        for _ in range(KILLS):
            seconds = self.chance.uniform(*KILLED_WITHIN_SECONDS)
            await self.migrate(self.new, killed_after=seconds)
            await self._phase(f"`paywall migrate` was killed after {seconds:.1f} s", PAUSE_SECONDS)
        output = await self.migrate(self.new)
        applied = psql(self.address, "select version_num from alembic_version")
        newest = self.new.migrations[-1].partition("_")[0]
        self.journal.check(MIGRATED, applied == newest, output)
        self.report(output.strip())

    async def _phase(self, name: str, seconds: float = PHASE_SECONDS) -> None:
        await asyncio.sleep(seconds)
        self.report(f"{name}: {self.journal.acknowledged:,} acknowledged")


class Serving(NamedTuple):
    """A release that serves, and its load."""

    release: Release
    served: Served
    load: Load


async def upgrade(old: Release, new: Release, seed: int, report: Report) -> Journal:
    """The whole run on a PostgreSQL of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="paywall-upgrade-")))
        server = stack.enter_context(postgres_server())
        psql(f"{server.address}/postgres", "create database store")
        address = f"{server.address}/store"
        run = Upgrade(old, new, folder, address, report, Random(seed))
        report(f"Filling the database of {old.name} with {SIZE.unlocks:,} unlocks…")
        report((await run.migrate(old)).strip().splitlines()[-1])
        await seed_postgres(address, SIZE)
        locks = Locks(address)
        watching = asyncio.create_task(locks.watch())
        await run.run()
        watching.cancel()
        journal = run.journal
        failed = {number: times for number, times in journal.statuses.items() if number >= 500}
        journal.check(SERVED, not failed and not journal.unanswered, (failed, journal.unanswered))
        longest = f"{locks.longest_seconds:.2f} s"
        journal.check(UNLOCKED, locks.longest_seconds < LOCK_SECONDS_MAX, longest)
        report(f"Longest wait for the lock of a table: {longest}, of {locks.looks:,} looks.")
        # The audits read all rows, and a request may take no longer.
        settings = Settings(
            database_url=address, data_dir=str(folder / "var"), request_timeout_seconds=60
        )
        await verify.check_acknowledged(settings, journal)
        await verify.run_audits(settings, journal)
        return journal
