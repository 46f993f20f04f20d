"""The support desk gives and revokes unlocks, merges two ids of one reader, and erases readers."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.problems import Problem
from paywall.rules.words import UnlockSource
from paywall.subscribers.merge import merge_readers
from paywall.subscribers.privacy import erase_reader
from paywall.tables import Subscriber
from paywall.unlocks.give import give_unlock
from paywall.unlocks.revoke import revoke_article
from tests.histories.base import ACTOR, ARTICLES, HOURS, History
from tests.histories.desk_model import DeskModel


class Desk(History):
    """What the publisher's people do for readers."""

    @initialize()
    def open_desk(self) -> None:
        self.desk = DeskModel()

    @rule(who=st.integers(0, 1), article=st.sampled_from(ARTICLES), hours=HOURS,
          source=st.sampled_from([UnlockSource.COMPLIMENTARY, UnlockSource.MIGRATION]))  # fmt: skip
    def give(self, who: int, article: str, hours: int, source: UnlockSource) -> None:
        reader, name = self.readers[who], self.name(article)
        since = self.model.now - timedelta(hours=hours)
        expected = self.desk.give(self.model, reader, name, source.value, since)
        try:
            _, is_new = self.run(
                lambda session: give_unlock(
                    session, reader, name, source=source,
                    unlocked_at=since, clock=self.clock, settings=self.settings,
                )
            )  # fmt: skip
        except Problem as problem:
            assert problem.kind.code == expected
            return
        assert ("new" if is_new else "same") == expected

    @rule(who=st.integers(0, 1), article=st.sampled_from(ARTICLES), return_credits=st.booleans())
    def revoke(self, who: int, article: str, return_credits: bool) -> None:  # noqa: FBT001 (hypothesis calls it)
        reader, name = self.readers[who], self.name(article)
        is_known = self.desk.revoke(self.model, reader, name, return_credits=return_credits)
        try:
            self.run(
                lambda session: revoke_article(
                    session, reader, name,
                    return_credits=return_credits, actor=ACTOR, clock=self.clock,
                )
            )  # fmt: skip
        except Problem as problem:
            assert (problem.kind.code, is_known) == ("subscriber_unknown", False)
        else:
            assert is_known

    @rule(who=st.integers(0, 1))
    def merge(self, who: int) -> None:
        from_id, into_id = self.readers[who], self.readers[1 - who]
        is_known = self.desk.merge(self.model, from_id, into_id)
        try:
            self.run(
                lambda session: merge_readers(
                    session, from_id, into_id, actor=ACTOR, clock=self.clock
                )
            )
        except Problem as problem:
            assert (problem.kind.code, is_known) == ("subscriber_unknown", False)
        else:
            assert is_known

    @rule(who=st.integers(0, 1))
    def erase(self, who: int) -> None:
        reader = self.readers[who]
        before = self.run(tombstones)
        self.run(lambda session: erase_reader(session, reader, clock=self.clock))
        added = self.run(tombstones) - before
        is_kept = self.desk.erase(self.model, reader, next(iter(added), "nobody"))
        assert len(added) == is_kept


async def tombstones(session: AsyncSession) -> set[str]:
    statement = select(Subscriber.id).where(col(Subscriber.id).startswith("erased_"))
    return set((await session.exec(statement)).all())
