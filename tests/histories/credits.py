"""Credits are granted, spent on unlocks, voided, and lapse."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, multiple, rule

from paywall.credits.expiry import enter_expired
from paywall.credits.grant import GrantTerms, grant_credits, void_grant
from paywall.operations.housekeeping import tidy
from paywall.problems import Problem
from paywall.rules.words import GrantSource
from paywall.unlocks.unlock import unlock_article
from tests.histories.base import ACTOR, ARTICLES, HOURS, History
from tests.model import Grant


class Credits(History):
    grants: Bundle[tuple[int, Grant]] = Bundle("grants")

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
        assert (outcome.unlock is not None) == (outcome.reason == "unlocked")

    @rule()
    def keep_house(self) -> None:
        self.runner.run(tidy(self.database, [enter_expired]))
