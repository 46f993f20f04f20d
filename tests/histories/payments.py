"""Purchases, refunds, failed refunds and disputes, through the one refund rule."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, rule
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.payments.purchase import Payment, record_purchase
from paywall.payments.refund import RefundTerms, put_in_force, refund_purchase
from paywall.problems import Problem
from paywall.rules.words import (
    CreditsExpire,
    GrantSource,
    Interval,
    ProductKind,
    TakingKind,
)
from paywall.tables import Pack, Pass, Plan
from tests.conftest import START
from tests.histories.base import ACTOR, History
from tests.histories.model import Credit, Grant, Period, Purchase

PRODUCTS = [
    (ProductKind.PACK, "five"),
    (ProductKind.PACK, "four-for-six-days"),
    (ProductKind.PASS, "two-days"),
    (ProductKind.PLAN, "week"),
]


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


class Payments(History):
    """What is paid, and what goes back."""

    purchases: Bundle[tuple[int, Purchase]] = Bundle("purchases")
    takings: Bundle[tuple[int, Purchase, str]] = Bundle("takings")

    @initialize()
    def open_shop(self) -> None:
        self.run(fill_catalogue)

    @rule(target=purchases, who=st.integers(0, 1), product=st.sampled_from(PRODUCTS),
          paid=st.sampled_from([0, 3, 7, 100]))  # fmt: skip
    def buy(self, who: int, product: tuple[ProductKind, str], paid: int) -> tuple[int, Purchase]:
        reader, reference = self.readers[who], self.name(f"p{len(self.model.purchases)}")
        payment = Payment(reader, "khqr", reference, *product, paid, "usd")
        (purchase, is_new), (again, is_new_again) = (
            self.run(
                lambda session: record_purchase(session, payment, actor=ACTOR, clock=self.clock)
            )
            for _ in range(2)
        )
        assert (is_new, is_new_again, again.id) == (True, False, purchase.id)
        return purchase.id, self.in_model(reader, product[1], paid)

    def in_model(self, reader: str, product_id: str, paid: int) -> Purchase:
        model = self.model
        bought = Purchase(reader, paid)
        model.purchases.append(bought)
        match product_id:
            case "five":
                self.grant_in_model(bought, 5, None)
            case "four-for-six-days":
                self.grant_in_model(bought, 4, model.now + timedelta(days=6))
            case "two-days":
                starts = model.next_start(reader, "pass")
                bought.period = Period(reader, "pass", starts, starts + timedelta(2), bought)
            case "week":
                starts = model.next_start(reader, "prepaid")
                bought.period = Period(reader, "prepaid", starts, starts + timedelta(7), bought)
                self.grant_in_model(bought, 3, bought.period.ends)
            case _:
                raise AssertionError(product_id)
        if bought.period:
            model.periods.append(bought.period)
        return bought

    def grant_in_model(self, bought: Purchase, amount: int, expires_at: datetime | None) -> None:
        model = self.model
        grant = Grant(
            bought.reader, GrantSource.PURCHASE.value, f"purchase {len(model.purchases)}", amount,
            100, expires_at, model.now, len(model.grants), purchase=bought,
        )  # fmt: skip
        grant.credits = [Credit(grant) for _ in range(amount)]
        model.grants.append(grant)
        bought.grant = grant

    @rule(
        target=takings,
        purchase=purchases,
        part=st.sampled_from([1, 2, 3]),
        kind=st.sampled_from(TakingKind),
        keep_access=st.sampled_from([False, False, False, True]),
    )
    def take_back(
        self,
        purchase: tuple[int, Purchase],
        part: int,
        kind: TakingKind,
        keep_access: bool,  # noqa: FBT001 (hypothesis calls it)
    ) -> Any:
        purchase_id, bought = purchase
        reference = f"r{len(bought.refunds)}"
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
            return multiple()
        bought.refunds[reference] = (amount, keep_access, True)
        self.model.settle(bought.reader)
        return purchase_id, bought, reference

    @rule(taking=takings, is_in_force=st.booleans())
    def turn(self, taking: tuple[int, Purchase, str], is_in_force: bool) -> None:  # noqa: FBT001 (hypothesis calls it)
        """A refund fails, a dispute is won; or the reverse comes late."""
        purchase_id, bought, reference = taking
        self.run(
            lambda session: put_in_force(
                session, purchase_id, reference,
                is_in_force=is_in_force, actor=ACTOR, clock=self.clock,
            )
        )  # fmt: skip
        amount, keeps, _ = bought.refunds[reference]
        bought.refunds[reference] = (amount, keeps, is_in_force)
        self.model.settle(bought.reader)
