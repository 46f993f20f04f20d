"""Random grants, voids, unlocks, subscriptions and views."""

from datetime import timedelta
from typing import Any, ClassVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.facts import Viewer, load_article_facts
from paywall.access.meter import count_view
from paywall.credits.grant import GrantTerms, grant_credits, void_grant
from paywall.database.tables import Article
from paywall.problems import Problem
from paywall.rules.decision import Decision, Policy, Reason, decide
from paywall.rules.enums import GrantSource, ViewerKind
from paywall.subscriptions.complimentary import put_complimentary
from paywall.unlocks.unlock import unlock_article
from tests.conftest import START
from tests.histories.base import ACTOR, ARTICLES, HOURS, History, assert_same
from tests.histories.model import Grant

POLICIES = [*Policy, Policy.METERED, *[Policy.PREMIUM] * 4]
SOURCES = (GrantSource.PROMOTION, GrantSource.MIGRATION)


class Credits(History):
    """What readers and the support desk do with credits."""

    RULES: ClassVar[dict[str, int]] = History.RULES | {
        "put_article": 2, "delete_article": 1, "grant": 3, "void": 2, "unlock": 4,
        "unlock_next": 6, "give_subscription": 1, "view": 5,
    }  # fmt: skip

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.grants: list[tuple[int, Grant]] = []

    def put_article(self) -> str:
        policy = self.chance.choice(POLICIES)
        self.put({self.article(): (policy, self.chance.randint(1, 4))})
        return str(policy.value)

    def put(self, articles: dict[str, tuple[Policy, int]]) -> None:
        self.model.articles |= {
            name: (policy.value, cost) for name, (policy, cost) in articles.items()
        }

        async def put(session: AsyncSession) -> None:
            for name, (policy, cost) in articles.items():
                await session.merge(
                    Article(id=name, title="", policy=policy, unlock_cost=cost,
                            created_at=START, updated_at=START)
                )  # fmt: skip

        self.run(put)

    def delete_article(self) -> str:
        name = self.article()
        is_known = self.model.articles.pop(name, None) is not None

        async def delete(session: AsyncSession) -> None:
            if found := await session.get(Article, name):
                await session.delete(found)

        self.run(delete)
        return "known" if is_known else "unknown"

    def grant(self) -> str:
        reader, reference = self.reader(), self.name(self.chance.choice("uvwxyz"))
        source, amount = self.chance.choice(SOURCES), self.chance.randint(1, 5)
        priority, hours = self.chance.choice([50, 100]), self.chance.choice([None, *HOURS])
        expires_at = None if hours is None else self.model.now + timedelta(hours=hours)
        expected = self.model.grant(reader, source.value, reference, amount, priority, expires_at)
        terms = GrantTerms(reader, amount, source, reference, expires_at, priority)
        try:
            grant, is_new = self.run(
                lambda session: grant_credits(session, terms, actor=ACTOR, clock=self.clock)
            )
        except Problem as problem:
            assert (problem.kind.code, expected) == ("reference_conflict", "conflict")
            return expected
        assert ("new" if is_new else "same") == expected
        if is_new:
            self.grants.append((grant.id, self.model.grants[-1]))
        return expected

    def void(self) -> str:
        if not self.grants:
            return "none"
        grant_id, in_model = self.grants.pop(self.chance.randrange(len(self.grants)))
        outcome = "credits" if in_model.free() else "nothing"
        self.model.void(in_model)
        for _ in range(2):
            self.run(
                lambda session: void_grant(
                    session, in_model.reader, grant_id, actor=ACTOR, clock=self.clock
                )
            )
        return outcome

    def unlock(self) -> str:
        return self.click(self.reader(), self.article(), self.chance.choice([None, 1, 2, 3, 4]))

    def unlock_next(self) -> str:
        """The next article that the reader can pay for; the first where there is none."""
        reader, names = self.reader(), [self.name(article) for article in ARTICLES]
        for name in names:
            if self.model.ask("reader", reader, name).reason == Reason.UNLOCK_AVAILABLE.value:
                return self.click(reader, name, None)
        return self.click(reader, names[0], None)

    def click(self, reader: str, name: str, max_cost: int | None) -> str:
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
            return expected
        assert ("new" if outcome.is_new else outcome.reason) == expected
        assert outcome.unlocks_left == self.model.balance(reader)
        assert (outcome.unlock is not None) == self.model.has(reader, name)
        return expected

    def give_subscription(self) -> str:
        reader, ends = (
            self.reader(),
            self.model.now + timedelta(hours=self.chance.choice(HOURS[:-1])),
        )
        self.model.give_subscription(reader, ends)
        self.run(
            lambda session: put_complimentary(
                session, reader, plan_id=None, current_period_end=ends, clock=self.clock
            )
        )
        return "given"

    def view(self) -> str:
        (kind, viewer), name = self.chance.choice(self.viewers), self.article()
        expected = self.model.view(kind, viewer, name)
        asker = Viewer(ViewerKind(kind), viewer)

        async def ask(session: AsyncSession) -> Decision:
            now = self.clock.now()
            facts = await load_article_facts(session, asker, name, settings=self.settings, now=now)
            decision = decide(facts.terms, facts.viewer_state, now)
            if decision.meter is None:
                return decision
            return await count_view(session, asker, facts, settings=self.settings, now=now)

        decision = self.run(ask)
        assert_same(decision, expected)
        if decision.meter:
            assert decision.meter.used == len(self.model.counted(kind, viewer))
        return expected.reason
