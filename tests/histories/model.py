"""A slow model of the paywall: each credit is an object, and each answer searches all of them.

It shares no code with the package. The histories compare it with the service.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.histories.prepaid_model import Clawback, Prepaid, PrepaidModel


@dataclass
class Credit:
    """One credit: free, spent on an unlock, or taken back by a refund."""

    grant: "Grant"
    spent_on: "Unlock | None" = None
    taken: bool = False

    def is_free(self) -> bool:
        """Neither spent nor taken back; its grant can still be expired or voided."""
        return self.spent_on is None and not self.taken


@dataclass(eq=False)
class Unlock:
    """A reader's access to an article, while `in_force`."""

    reader: str
    article: str
    at: datetime
    number: int
    paid: dict[int, int] = field(default_factory=dict)
    in_force: bool = True


@dataclass
class Refund:
    """A refund or a dispute, as it stands now; it took effect at `at`."""

    amount: int
    keeps_access: bool
    at: datetime
    in_force: bool = True
    pending: bool = False
    withdrawn_at: datetime | None = None


@dataclass(eq=False)
class Purchase:
    """A payment, with its refunds by reference."""

    reader: str
    paid: int
    at: datetime
    reference: str
    grant: "Grant | None" = None
    prepaid: Prepaid | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    def back(self) -> int:
        """The amount refunded or disputed, without goodwill refunds."""
        back = 0
        for refund in self.refunds.values():
            if refund.in_force and not refund.keeps_access:
                back += refund.amount
        return min(self.paid, back)


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
    voided: bool = False
    purchase: Purchase | None = None

    def is_unspendable(self, now: datetime) -> bool:
        return self.voided or (self.expires_at is not None and self.expires_at <= now)

    def free(self) -> list[Credit]:
        return [credit for credit in self.credits if credit.is_free()]

    def comes_before(self, other: "Grant") -> bool:
        """Whether the credits of this grant are spent before those of `other`."""
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
class ExpectedDecision:
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
    happened: Counter[str] = field(default_factory=Counter)
    articles: dict[str, tuple[str, int]] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    unlocks: list[Unlock] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    prepaid: PrepaidModel = field(default_factory=PrepaidModel)
    log: list[tuple[Grant, list[Credit], Unlock | None]] = field(default_factory=list)
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
        grant.voided = True

    def balance(self, reader: str) -> int:
        return len(self._spendable(reader))

    def _spendable(self, reader: str) -> list[Credit]:
        return [
            credit
            for grant in self.grants
            if grant.reader == reader and not grant.is_unspendable(self.now)
            for credit in grant.free()
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
        new = Unlock(reader, article, self.now, len(self.unlocks))
        self.unlocks.append(new)
        for _ in range(answer.cost):
            first = self._first_to_burn(reader)
            first.spent_on = new
            number = first.grant.number
            new.paid[number] = new.paid.get(number, 0) + 1
        return "new"

    def has(self, reader: str, article: str) -> bool:
        return any(
            unlock.in_force and (unlock.reader, unlock.article) == (reader, article)
            for unlock in self.unlocks
        )

    def _first_to_burn(self, reader: str) -> Credit:
        first, *others = self._spendable(reader)
        for other in others:
            if other.grant.comes_before(first.grant):
                first = other
        return first

    def subscribed(self, reader: str) -> bool:
        return self.prepaid.has_complimentary(reader, self.now) or any(
            starts <= self.now < ends for starts, ends in self.prepaid.uses_of(reader)
        )

    def give_subscription(self, reader: str, ends: datetime) -> None:
        self.prepaid.put_complimentary(reader, ends, self.now)
        self.prepaid.play()

    def schedule(self, purchase: Purchase) -> None:
        """Its refunds changed, so its time may have."""
        if purchase.prepaid is not None:
            purchase.prepaid.clawbacks = {
                reference: Clawback(one.amount, one.at, one.withdrawn_at, one.keeps_access)
                for reference, one in purchase.refunds.items()
                if one.in_force or one.withdrawn_at is not None
            }
            self.prepaid.play()

    def apply_clawbacks(self, reader: str) -> None:
        """Undo what refunds took from this reader, newest first, and take what they take now."""
        mine = [entry for entry in self.log if entry[0].reader == reader]
        before = self._taken_and_in_force()
        self.log = [entry for entry in self.log if entry[0].reader != reader]
        for _, taken, unlock in reversed(mine):
            for credit in taken:
                credit.taken = False
            if unlock is not None:
                self._revive(unlock)
        for grant in self.grants:
            purchase = grant.purchase
            if grant.reader == reader and purchase is not None and purchase.paid > 0:
                self._take(grant, grant.amount * purchase.back() // purchase.paid)
        self._count_changes(*before)

    def _taken_and_in_force(self) -> tuple[int, set[int]]:
        taken = sum(credit.taken for grant in self.grants for credit in grant.credits)
        return taken, {unlock.number for unlock in self.unlocks if unlock.in_force}

    def _count_changes(self, taken_before: int, in_force_before: set[int]) -> None:
        taken, in_force = self._taken_and_in_force()
        self.happened["settle took_credits"] += taken > taken_before
        self.happened["settle gave_credits_back"] += taken < taken_before
        self.happened["settle revoked"] += len(in_force_before - in_force)
        self.happened["settle revived"] += len(in_force - in_force_before)

    def _revive(self, unlock: Unlock) -> None:
        if self.has(unlock.reader, unlock.article):
            self.happened["settle unlocked_again"] += 1
            return
        if any(len(self.grants[number].free()) < n for number, n in unlock.paid.items()):
            self.happened["settle spent_again"] += 1
            return
        for number, n in unlock.paid.items():
            for credit in self.grants[number].free()[:n]:
                credit.spent_on = unlock
        unlock.in_force = True

    def _take(self, grant: Grant, owed: int) -> None:
        if grant.is_unspendable(self.now):
            self.happened["settle lapsed"] += bool(owed and grant.free())
            owed -= len(grant.free())
        else:
            owed -= self._take_free(grant, owed, None)
        while owed > 0:
            paid = [u for u in self.unlocks if u.in_force and grant.number in u.paid]
            if not paid:
                return
            newest = max(paid, key=lambda unlock: (unlock.at, unlock.number))
            newest.in_force = False
            for other in self.grants:
                for credit in other.credits:
                    if credit.spent_on is newest:
                        credit.spent_on = None
            owed -= self._take_free(grant, min(owed, newest.paid[grant.number]), newest)

    def _take_free(self, grant: Grant, most: int, unlock: Unlock | None) -> int:
        taken = grant.free()[:most]
        for credit in taken:
            credit.taken = True
        if taken:
            self.log.append((grant, taken, unlock))
        return len(taken)

    def month(self) -> str:
        return self.now.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m")

    def counted(self, kind: str, viewer: str) -> set[str]:
        return {
            article
            for of_kind, of_viewer, month, article in self.views
            if (of_kind, of_viewer, month) == (kind, viewer, self.month())
        }

    def view(self, kind: str, viewer: str, article: str) -> ExpectedDecision:
        answer = self.ask(kind, viewer, article)
        if answer.granted and answer.reason == "metered":
            self.views.add((kind, viewer, self.month(), article))
        return answer

    def ask(self, kind: str, viewer: str, article: str) -> ExpectedDecision:
        policy, cost = self.articles.get(article, (None, 1))
        is_reader = kind == "reader"
        left = self.balance(viewer) if is_reader else 0
        counted = self.counted(kind, viewer)
        has_view = len(counted) < self.meter_limit
        for reason, holds in (
            ("free", policy == "free"),
            ("subscribed", is_reader and self.subscribed(viewer)),
            ("unlocked", is_reader and self.has(viewer, article)),
            ("registered", policy == "registered" and is_reader),
            ("metered", policy == "metered" and (article in counted or has_view)),
        ):  # fmt: skip
            if holds:
                return ExpectedDecision(True, reason, left, cost, [])
        for reason, holds, actions in (
            ("article_unknown", policy is None, []),
            ("login_required", not is_reader, ["login"]),
            ("subscription_required", policy == "subscribers", ["subscribe"]),
            ("unlock_available", left >= cost, ["unlock", "subscribe"]),
            ("credits_required", True, ["buy_credits", "subscribe"]),
        ):
            if holds:
                return ExpectedDecision(False, reason, left, cost, actions)
        raise AssertionError

    def move(self, by: timedelta) -> None:
        self.now += by
