"""Grants, voids, unlocks, subscriptions and views."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    multiple,
    rule,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.meter import count_view
from paywall.access.standing import Viewer, load_one
from paywall.credits.grant import GrantTerms, grant_credits, void_grant
from paywall.problems import Problem
from paywall.rules.decision import Decision, Policy, decide
from paywall.rules.words import GrantSource, ViewerKind
from paywall.subscriptions.complimentary import put_complimentary
from paywall.tables import Article
from paywall.unlocks.unlock import unlock_article
from tests.conftest import START
from tests.histories.base import ACTOR, ARTICLES, HOURS, History, assert_same
from tests.histories.model import Grant


class Credits(History):
    """What readers and the support desk do with credits."""

    grants: Bundle[tuple[int, Grant]] = Bundle("grants")

    @rule(article=st.sampled_from(ARTICLES), policy=st.sampled_from(Policy), cost=st.integers(1, 4))
    def put_article(self, article: str, policy: Policy, cost: int) -> None:
        name = self.name(article)
        self.model.articles[name] = (policy.value, cost)

        async def put(session: AsyncSession) -> None:
            await session.merge(
                Article(id=name, title="", policy=policy, unlock_cost=cost, created_at=START,
                        updated_at=START)
            )  # fmt: skip

        self.run(put)

    @rule(article=st.sampled_from(ARTICLES))
    def delete_article(self, article: str) -> None:
        name = self.name(article)
        self.model.articles.pop(name, None)

        async def delete(session: AsyncSession) -> None:
            if found := await session.get(Article, name):
                await session.delete(found)

        self.run(delete)

    @rule(
        target=grants,
        who=st.integers(0, 1),
        amount=st.integers(1, 5),
        priority=st.sampled_from([50, 100]),
        hours=HOURS | st.none(),
        reference=st.sampled_from("uvwxyz"),
        source=st.sampled_from([GrantSource.PROMOTION, GrantSource.MIGRATION]),
    )
    def grant(
        self, who: int, amount: int, priority: int, hours: int | None, reference: str,
        source: GrantSource,
    ) -> Any:  # fmt: skip
        reader, reference = self.readers[who], self.name(reference)
        expires_at = None if hours is None else self.model.now + timedelta(hours=hours)
        expected = self.model.grant(reader, source.value, reference, amount, priority, expires_at)
        terms = GrantTerms(reader, amount, source, reference, expires_at, priority)
        try:
            grant, is_new = self.run(
                lambda session: grant_credits(session, terms, actor=ACTOR, clock=self.clock)
            )
        except Problem as problem:
            assert (problem.kind.code, expected) == ("reference_conflict", "conflict")
            return multiple()
        assert ("new" if is_new else "same") == expected
        return (grant.id, self.model.grants[-1]) if is_new else multiple()

    @rule(grant=consumes(grants))
    def void(self, grant: tuple[int, Grant]) -> None:
        grant_id, in_model = grant
        self.model.void(in_model)
        for _ in range(2):
            self.run(
                lambda session: void_grant(
                    session, in_model.reader, grant_id, actor=ACTOR, clock=self.clock
                )
            )

    @rule(who=st.integers(0, 1), article=st.sampled_from(ARTICLES),
          max_cost=st.none() | st.integers(1, 4))  # fmt: skip
    def unlock(self, who: int, article: str, max_cost: int | None) -> None:
        reader, name = self.readers[who], self.name(article)
        expected = self.model.unlock(reader, name, max_cost)
        try:
            outcome = self.run(
                lambda session: unlock_article(
                    session, reader, name,
                    max_cost=max_cost, actor=ACTOR, clock=self.clock, settings=self.settings,
                )
            )  # fmt: skip
        except Problem as problem:
            assert problem.kind.code == expected
            return
        assert ("new" if outcome.is_new else outcome.reason) == expected
        assert outcome.unlocks_left == self.model.balance(reader)
        assert (outcome.unlock is not None) == self.model.has(reader, name)

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
            if decision.meter is None:
                return decision
            return await count_view(session, asking, facts, settings=self.settings, now=now)

        decision = self.run(ask)
        assert_same(decision, expected)
        if decision.meter:
            assert decision.meter.used == len(self.model.counted(kind, viewer))
