"""Random actions of support: adding and revoking unlocks, merging and erasing readers."""

from datetime import timedelta
from typing import Any, ClassVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import Subscriber
from paywall.problems import Problem
from paywall.rules.enums import UnlockSource
from paywall.subscribers.erase import erase_reader, lock_ids_to_erase
from paywall.subscribers.merge import merge_readers
from paywall.unlocks.complimentary import add_unlock
from paywall.unlocks.revoke import revoke_unlock_of_article
from tests.histories.base import ACTOR, HOURS, History
from tests.histories.support_model import SupportDeskModel

SOURCES = (UnlockSource.COMPLIMENTARY, UnlockSource.MIGRATION)


class SupportDesk(History):
    """What the publisher's people do for readers."""

    RULES: ClassVar[dict[str, int]] = History.RULES | {
        "give": 2, "revoke": 2, "merge": 1, "erase": 1,
    }  # fmt: skip

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.support = SupportDeskModel()

    def give(self) -> str:
        reader, name, source = self.reader(), self.article(), self.chance.choice(SOURCES)
        since = self.model.now - timedelta(hours=self.chance.choice(HOURS))
        expected = self.support.give(self.model, reader, name, source.value, since)
        try:
            _, is_new = self.run(
                lambda session: add_unlock(
                    session, reader, name, source=source,
                    unlocked_at=since, clock=self.clock, settings=self.settings,
                )
            )  # fmt: skip
        except Problem as problem:
            assert problem.kind.code == expected
            return expected
        assert ("new" if is_new else "same") == expected
        return expected

    def revoke(self) -> str:
        reader, name, return_credits = self.reader(), self.article(), self.chance.random() < 0.5
        outcome = "unlock" if self.model.has(reader, name) else "nothing"
        is_known = self.support.revoke(self.model, reader, name, return_credits=return_credits)
        try:
            self.run(
                lambda session: revoke_unlock_of_article(
                    session, reader, name,
                    return_credits=return_credits, actor=ACTOR, clock=self.clock,
                )
            )  # fmt: skip
        except Problem as problem:
            assert (problem.kind.code, is_known) == ("subscriber_unknown", False)
            return "unknown"
        assert is_known
        return outcome

    def merge(self) -> str:
        from_id, into_id = self.chance.choice([self.readers, self.readers[::-1]])
        is_known = self.support.merge(self.model, from_id, into_id)
        try:
            self.run(
                lambda session: merge_readers(
                    session, from_id, into_id, actor=ACTOR, clock=self.clock
                )
            )
        except Problem as problem:
            assert (problem.kind.code, is_known) == ("subscriber_unknown", False)
            return "unknown"
        assert is_known
        return "known"

    def erase(self) -> str:
        reader = self.reader()
        before = self.run(tombstones)
        self.run(lambda session: erase(session, reader, self.clock))
        added = self.run(tombstones) - before
        is_kept = self.support.erase(self.model, reader, next(iter(added), "nobody"))
        assert len(added) == is_kept
        return "kept" if is_kept else "nothing"


async def erase(session: AsyncSession, reader: str, clock: Clock) -> None:
    ids = await lock_ids_to_erase(session, reader, clock.now())
    await erase_reader(session, reader, ids, [])


async def tombstones(session: AsyncSession) -> set[str]:
    statement = select(Subscriber.id).where(col(Subscriber.id).startswith("erased_"))
    return set((await session.exec(statement)).all())
