"""What the bench fills a database with is what the service itself could have written."""

from pathlib import Path

from paywall.cli.audit import run_audit
from paywall.settings import Settings
from tests.bench.seed import Size, copy_postgres, seed_postgres, seed_sqlite

FEW = Size(readers=300, articles=100, unlocks=30)
MANY = Size(readers=300, articles=100, unlocks=3000)


async def test_the_ledger_of_a_filled_database_adds_up(settings: Settings) -> None:
    if settings.is_sqlite:
        seed_sqlite(Path(settings.database_url.removeprefix("sqlite:///")), MANY)
    else:
        name = "seed_many"
        await seed_postgres(settings.database_url, FEW)
        await copy_postgres(settings.database_url, name, FEW, MANY)
        server = settings.database_url.rpartition("/")[0]
        settings = Settings(database_url=f"{server}/{name}", data_dir=settings.data_dir)
    proof = await run_audit(settings)
    assert proof.findings == []
    assert proof.unlocks == MANY.unlocks
