"""Everything else that opens an article: a subscription, a metered view, time."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.meter import count_view, is_countable
from paywall.access.standing import Viewer, load_one
from paywall.rules.decision import Decision, decide
from paywall.rules.words import ViewerKind
from paywall.subscriptions.complimentary import put_complimentary
from tests.histories.base import ARTICLES, HOURS, History
from tests.model import Answer


def assert_same(decision: Decision, expected: Answer) -> None:
    got = Answer(
        decision.granted, decision.reason, decision.unlocks_left, decision.unlock_cost,
        [*decision.actions],
    )  # fmt: skip
    assert got == expected


class Access(History):
    @rule(who=st.integers(0, 1), hours=HOURS)
    def give_subscription(self, who: int, hours: int) -> None:
        reader, ends = self.readers[who], self.model.now + timedelta(hours=hours)
        self.model.give_subscription(reader, ends)
        self.run(
            lambda session: put_complimentary(
                session, reader, plan_id=None, current_period_end=ends, clock=self.clock
            )
        )

    @rule(who=st.integers(0, 2), article=st.sampled_from(ARTICLES))
    def view(self, who: int, article: str) -> None:
        (kind, viewer), name = self.viewers[who], self.name(article)
        expected = self.model.view(kind, viewer, name)
        asking = Viewer(ViewerKind(kind), viewer)

        async def ask(session: AsyncSession) -> Decision:
            now = self.clock.now()
            facts = await load_one(session, asking, name, settings=self.settings, now=now)
            decision = decide(facts.terms, facts.standing, now)
            if not is_countable(decision):
                return decision
            return await count_view(session, asking, facts, settings=self.settings, now=now)

        decision = self.run(ask)
        assert_same(decision, expected)
        if decision.meter:
            assert decision.meter.used == len(self.model.counted(kind, viewer))

    @rule(hours=HOURS, seconds=st.sampled_from([0, 0, 1, -1]))
    def time_moves(self, hours: int, seconds: int) -> None:
        by = max(timedelta(hours=hours, seconds=seconds), timedelta())
        self.model.move(by)
        self.clock.at = self.model.now
