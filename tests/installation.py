"""An installation, as an operator has it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlmodel import SQLModel, select

from paywall.access.bodies import body_of
from paywall.articles.publish import ArticleUpdate, publish
from paywall.cli.main import main
from paywall.database.engine import Database
from paywall.rules.enums import Actor, UpsertOutcome
from paywall.settings import Settings
from paywall.subscribers.audit import audit

HEADS = {
    "articles": "article_id,title,url,language,policy,unlock_cost,body_html",
    "grants": "reader_id,amount,source,reference,expires_at,priority",
    "unlocks": "reader_id,article_id,unlocked_at",
    "subscriptions": "reader_id,plan_id,current_period_end,stripe_subscription_id",
}
LATER = datetime(2027, 1, 31, 17, 0, tzinfo=UTC)

T = TypeVar("T")
Row = TypeVar("Row", bound=SQLModel)


class Installation:
    """What an operator has: the command, and a database to look into."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder

    def import_(self, kind: str, file: bytes | str) -> Result:
        (self.folder / "given.csv").write_bytes(file.encode() if isinstance(file, str) else file)
        return CliRunner().invoke(main, ["import", kind, "given.csv"])

    def import_rows(self, kind: str, *rows: str) -> Result:
        return self.import_(kind, "\n".join([HEADS[kind], *rows, ""]))

    def all(self, table: type[Row]) -> list[Row]:
        async def read(database: Database) -> list[Row]:
            async with database.reading() as session:
                return list((await session.exec(select(table))).all())

        return self.run(read)

    def execute(self, statement: str) -> None:
        async def write(database: Database) -> None:
            async with database.writing() as session:
                await (await session.connection()).execute(sa.text(statement))

        self.run(write)

    def body(self, article_id: str) -> str | None:
        async def read(database: Database) -> str | None:
            async with database.reading() as session:
                return await body_of(session, article_id)

        return self.run(read)

    def assert_sound(self) -> None:
        async def check(database: Database) -> list[object]:
            async with database.reading() as session:
                return list(await audit(session))

        assert self.run(check) == []

    def publish(self, publication: ArticleUpdate) -> UpsertOutcome:
        async def put(database: Database) -> UpsertOutcome:
            async with database.writing() as session:
                _, outcome = await publish(
                    session, publication, actor=Actor("i", "s", "t"), now=LATER, preview_share=0.4
                )
                return outcome

        return self.run(put)

    def run(self, work: Callable[[Database], Awaitable[T]]) -> T:
        async def run() -> T:
            database = Database(self.settings)
            try:
                return await work(database)
            finally:
                await database.close()

        return asyncio.run(run())
