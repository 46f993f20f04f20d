"""A second paywall, slow and plain: every credit is a thing of its own, every answer a search.

It shares no code with the package; the histories compare the two.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass
class Credit:
    """One single credit."""

    grant: "Grant"
    spent_on: tuple[str, str] | None = None
    lost: bool = False

    def is_spendable(self, now: datetime) -> bool:
        expires_at = self.grant.expires_at
        is_over = expires_at is not None and expires_at <= now
        return self.spent_on is None and not self.lost and not is_over


@dataclass
class Grant:
    reader: str
    source: str
    reference: str
    amount: int
    priority: int
    expires_at: datetime | None
    granted_at: datetime
    number: int
    credits: list[Credit] = field(default_factory=list)

    def comes_before(self, other: "Grant") -> bool:
        """Whether this grant is burnt first."""
        if self.priority != other.priority:
            return self.priority < other.priority
        if self.expires_at != other.expires_at:
            if self.expires_at is None or other.expires_at is None:
                return other.expires_at is None
            return self.expires_at < other.expires_at
        if self.granted_at != other.granted_at:
            return self.granted_at < other.granted_at
        return self.number < other.number


@dataclass
class Answer:
    granted: bool
    reason: str
    left: int
    cost: int
    actions: list[str]


@dataclass
class Model:
    now: datetime
    zone: str
    meter_limit: int
    articles: dict[str, tuple[str, int]] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    unlocks: dict[tuple[str, str], list[Credit]] = field(default_factory=dict)
    complimentary: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    views: set[tuple[str, str, str, str]] = field(default_factory=set)

    def grant(
        self, reader: str, source: str, reference: str, amount: int, priority: int,
        expires_at: datetime | None,
    ) -> str:  # fmt: skip
        for old in self.grants:
            if (old.source, old.reference) == (source, reference):
                same = (old.reader, old.amount, old.priority, old.expires_at)
                return "same" if same == (reader, amount, priority, expires_at) else "conflict"
        number = len(self.grants)
        new = Grant(reader, source, reference, amount, priority, expires_at, self.now, number)
        new.credits = [Credit(new) for _ in range(amount)]
        self.grants.append(new)
        return "new"

    def void(self, grant: Grant) -> None:
        for credit in grant.credits:
            if credit.spent_on is None:
                credit.lost = True

    def balance(self, reader: str) -> int:
        return len(self._spendable(reader))

    def _spendable(self, reader: str) -> list[Credit]:
        return [
            credit
            for grant in self.grants
            if grant.reader == reader
            for credit in grant.credits
            if credit.is_spendable(self.now)
        ]

    def unlock(self, reader: str, article: str, max_cost: int | None) -> str:
        answer = self.ask("reader", reader, article)
        if answer.granted:
            return answer.reason
        if answer.reason == "article_unknown":
            return "article_unknown"
        if answer.reason == "subscription_required":
            return "subscription_required"
        if max_cost is not None and max_cost < answer.cost:
            return "price_changed"
        if self.balance(reader) < answer.cost:
            return "insufficient_credits"
        paid = self.unlocks[reader, article] = []
        for _ in range(answer.cost):
            first = self._first_to_burn(reader)
            first.spent_on = (reader, article)
            paid.append(first)
        return "new"

    def _first_to_burn(self, reader: str) -> Credit:
        first, *others = self._spendable(reader)
        for other in others:
            if other.grant.comes_before(first.grant):
                first = other
        return first

    def subscribed(self, reader: str) -> bool:
        starts, ends = self.complimentary.get(reader, (self.now, self.now))
        return starts <= self.now < ends

    def give_subscription(self, reader: str, ends: datetime) -> None:
        starts = self.complimentary[reader][0] if self.subscribed(reader) else self.now
        self.complimentary[reader] = (starts, ends)

    def month(self) -> str:
        return self.now.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m")

    def counted(self, kind: str, viewer: str) -> set[str]:
        return {
            article
            for of_kind, of_viewer, month, article in self.views
            if (of_kind, of_viewer, month) == (kind, viewer, self.month())
        }

    def view(self, kind: str, viewer: str, article: str) -> Answer:
        answer = self.ask(kind, viewer, article)
        if answer.granted and answer.reason == "metered":
            self.views.add((kind, viewer, self.month(), article))
        return answer

    def ask(self, kind: str, viewer: str, article: str) -> Answer:
        policy, cost = self.articles.get(article, (None, 1))
        is_reader = kind == "reader"
        left = self.balance(viewer) if is_reader else 0
        counted = self.counted(kind, viewer)
        has_view = len(counted) < self.meter_limit
        for reason, holds in (
            ("free", policy == "free"),
            ("subscribed", is_reader and self.subscribed(viewer)),
            ("unlocked", is_reader and (viewer, article) in self.unlocks),
            ("registered", policy == "registered" and is_reader),
            ("metered", policy == "metered" and (article in counted or has_view)),
        ):  # fmt: skip
            if holds:
                return Answer(True, reason, left, cost, [])
        for reason, holds, actions in (
            ("article_unknown", policy is None, []),
            ("login_required", not is_reader, ["login"]),
            ("subscription_required", policy == "subscribers", ["subscribe"]),
            ("unlock_available", left >= cost, ["unlock", "subscribe"]),
            ("credits_required", True, ["buy_credits", "subscribe"]),
        ):
            if holds:
                return Answer(False, reason, left, cost, actions)
        raise AssertionError

    def move(self, by: timedelta) -> None:
        self.now += by
