"""Random purchases, refunds and disputes, and later changes by the processor."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Pack, Pass, Plan
from paywall.payments.purchase import Payment, record_purchase
from paywall.payments.refund import RefundTerms, refund_purchase
from paywall.problems import Problem
from paywall.rules.decision import Policy
from paywall.rules.enums import (
    ClawbackKind,
    CreditsExpire,
    GrantSource,
    Interval,
    ProductKind,
)
from paywall.rules.refunds import ClawbackSnapshot
from tests.conftest import START
from tests.histories.base import ACTOR, ARTICLES, ZONE, record_taken_back
from tests.histories.credits import Credits
from tests.histories.model import Credit, Grant, Purchase, Refund
from tests.histories.prepaid_model import Prepaid

FIVE, FOUR = (ProductKind.PACK, "five"), (ProductKind.PACK, "four-for-six-days")
PRODUCTS = (FIVE, FOUR, (ProductKind.PASS, "two-days"), (ProductKind.PLAN, "week"))
PAID_FIRST = ((FIVE, 7), (FOUR, 3))
PRICES = (0, 3, 7, 100)
# Thirds of a price.
PARTS = (1, 2, 3, 3)
KINDS = (ClawbackKind.REFUND, ClawbackKind.DISPUTE)


async def fill_catalogue(session: AsyncSession) -> None:
    for product in (
        Pack(id="five", title="", credits=5, prices=[], created_at=START),
        Pack(id="four-for-six-days", title="", credits=4, expires_after_days=6, prices=[],
             created_at=START),
        Pass(id="two-days", title="", days=2, prices=[], created_at=START),
        Plan(id="week", title="", interval=Interval.WEEK, credits=3, prices=[],
             credits_expire=CreditsExpire.PERIOD_END, created_at=START),
    ):  # fmt: skip
        await session.merge(product)


class Payments(Credits):
    """What is paid, and what goes back. Each reader begins with two packs, and articles to read."""

    RULES: ClassVar[dict[str, int]] = Credits.RULES | {"buy": 3, "take_back": 6, "change_refund": 6}

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.purchases: list[tuple[int, Purchase]] = []
        self.clawbacks: list[tuple[int, Purchase, str, ClawbackKind]] = []
        first, *others = [self.name(article) for article in ARTICLES]
        premium = {name: (Policy.PREMIUM, cost) for cost, name in enumerate(others, start=1)}
        self.put({first: (Policy.METERED, 1), **premium})
        for reader in self.readers:
            for (kind, product_id), paid in PAID_FIRST:
                self.pay(reader, kind, product_id, paid)
            self.click(reader, self.name(ARTICLES[1]), None)

    def buy(self) -> str:
        kind, product_id = self.chance.choice(PRODUCTS)
        payment = self.pay(self.reader(), kind, product_id, self.chance.choice(PRICES))
        again, is_new = self.run(
            lambda session: record_purchase(
                session, payment, timezone=ZONE, actor=ACTOR, clock=self.clock
            )
        )
        assert (again.id, is_new) == (self.purchases[-1][0], False)
        return product_id

    def pay(self, reader: str, kind: ProductKind, product_id: str, paid: int) -> Payment:
        reference = self.name(f"p{len(self.model.purchases)}")
        payment = Payment(reader, "khqr", reference, kind, product_id, paid, "usd")
        purchase, is_new = self.run(
            lambda session: record_purchase(
                session, payment, timezone=ZONE, actor=ACTOR, clock=self.clock
            )
        )
        assert is_new
        self.purchases.append((purchase.id, self.in_model(payment)))
        return payment

    def in_model(self, payment: Payment) -> Purchase:
        model, reader = self.model, payment.reader_id
        bought = Purchase(reader, payment.amount_paid, model.now, payment.reference)
        model.purchases.append(bought)
        match payment.product_id:
            case "five":
                self.grant_in_model(bought, 5, None)
            case "four-for-six-days":
                self.grant_in_model(bought, 4, model.now + timedelta(days=6))
            case "two-days":
                self.prepaid_in_model(bought, 2)
            case "week":
                self.prepaid_in_model(bought, 7)
                self.grant_in_model(bought, 3, None)
            case _:
                raise AssertionError(payment)
        return bought

    def prepaid_in_model(self, bought: Purchase, days: int) -> None:
        prepaid = self.model.prepaid
        bought.prepaid = Prepaid(
            prepaid.holder(bought.reader, bought.at), bought.paid, bought.at,
            ("khqr", bought.reference), hours=24 * days,
        )  # fmt: skip
        prepaid.prepaid.append(bought.prepaid)
        prepaid.play()

    def grant_in_model(self, bought: Purchase, amount: int, expires_at: datetime | None) -> None:
        model = self.model
        grant = Grant(
            bought.reader, GrantSource.PURCHASE.value, f"purchase {len(model.purchases)}", amount,
            100, expires_at, model.now, len(model.grants), purchase=bought,
        )  # fmt: skip
        grant.credits = [Credit(grant) for _ in range(amount)]
        model.grants.append(grant)
        bought.grant = grant

    def take_back(self) -> str:
        """A refund by the site's staff, or a dispute."""
        purchase_id, bought = self.chance.choice(self.purchases)
        kind, part = self.chance.choice(KINDS), self.chance.choice(PARTS)
        keep_access, reference = self.chance.random() < 0.2, f"r{len(bought.refunds)}"
        amount = max(1, bought.paid * part // 3)
        terms = RefundTerms(reference, amount, kind, keep_access)
        try:
            self.run(
                lambda session: refund_purchase(
                    session, purchase_id, terms, actor=ACTOR, clock=self.clock
                )
            )
        except Problem as problem:
            assert problem.kind.code == "refund_too_large"
            return "too_large"
        self.clawbacks.append((purchase_id, bought, reference, kind))
        bought.refunds[reference] = Refund(amount, keep_access, self.model.now)
        self.model.apply_clawbacks(bought.reader)
        self.model.schedule(bought)
        return "keeping_access" if keep_access else kind.value

    def change_refund(self) -> str:
        """The processor says that a refund failed or a dispute was won, or the reverse."""
        if not self.clawbacks:
            return self.take_back()
        purchase_id, bought, reference, kind = self.chance.choice(self.clawbacks)
        was = bought.refunds[reference]
        is_pending = not was.in_force and self.chance.random() < 0.2
        if is_pending:
            now = replace(was, pending=True)
        elif was.in_force:
            now = replace(was, in_force=False, withdrawn_at=self.model.now)
        else:
            now = Refund(was.amount, was.keeps_access, self.model.now)
        if self.chance.random() < 0.2:
            now = replace(now, amount=max(1, now.amount // 2), keeps_access=not now.keeps_access)
        seen = ClawbackSnapshot(
            reference, kind, now.amount, now.in_force, now.pending, now.keeps_access, now.at,
            now.at, now.withdrawn_at,
        )  # fmt: skip
        self.run(lambda session: record_taken_back(session, purchase_id, [seen], self.clock))
        bought.refunds[reference] = now
        self.model.apply_clawbacks(bought.reader)
        self.model.schedule(bought)
        return "in_force" if now.in_force else "withdrawn"
