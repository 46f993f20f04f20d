"""Histories of random steps keep Stripe's types, and the sums of refunds and invoices."""

import asyncio
from collections.abc import Awaitable, Callable

import hypothesis
import stripe
from hypothesis import strategies as st

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.checkout import pay_session, settle_session
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.sandbox.stripe.disputes import close_dispute, escalate_inquiry, open_dispute
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.portal import portal_cancel, portal_resume, portal_switch
from paywall.sandbox.stripe.refunds import complete_refund, create_pending_refund, fail_refund
from paywall.sandbox.stripe.stand_in import StandIn
from tests.sandbox.stripe.sdk_contract import SdkContract, breaches_of
from tests.sandbox.stripe.shop import DAY, HOUR, START, Shop

Step = Callable[["History", int], Awaitable[object]]


class History:
    """The steps of a history on one shop; `pick` chooses among the existing objects."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def pick(self, object_type: str, choice: int) -> Json:
        objects = list(self.shop.account.find_all(object_type))
        if not objects:
            raise ApiError(f"There is no {object_type} yet.")
        return objects[choice % len(objects)]

    async def open(self, choice: int) -> None:
        price = self.shop.prices[choice % len(self.shop.prices)]
        trial = {"subscription_data": {"trial_period_days": 5}}
        more: Json = trial if choice % 3 == 0 and price != self.shop.prices.pack else {}
        await self.shop.session(price, allow_promotion_codes=True, **more)

    async def pay(self, choice: int) -> None:
        session = self.pick("checkout.session", choice)
        card = list(Card)[choice % len(Card)]
        code = "FREE" if choice % 5 == 0 else None
        pay_session(self.shop.account, session["id"], card, later=choice % 4 == 3, code=code)

    async def finish_payments(self, choice: int) -> None:
        session = self.pick("checkout.session", choice)
        settle_session(self.shop.account, session["id"], paid=choice % 2 == 0)

    async def wait(self, choice: int) -> None:
        self.shop.stand_in.advance([HOUR, DAY, 4 * DAY, 31 * DAY][choice % 4])

    async def change_card(self, choice: int) -> None:
        set_card(self.shop.account, self.shop.customer, [Card.PAYS, Card.DECLINES][choice % 2])

    async def cancel(self, choice: int) -> None:
        subscription = self.pick("subscription", choice)
        portal_cancel(self.shop.account, subscription["id"])

    async def resume(self, choice: int) -> None:
        subscription = self.pick("subscription", choice)
        portal_resume(self.shop.account, subscription["id"])

    async def end(self, choice: int) -> None:
        subscription = self.pick("subscription", choice)
        await self.shop.stripe.subscriptions.cancel_async(subscription["id"])

    async def switch(self, choice: int) -> None:
        subscription = self.pick("subscription", choice)
        price = self.shop.prices[1 + choice % 3]
        portal_switch(self.shop.account, subscription["id"], price)

    async def refund(self, choice: int) -> None:
        create_pending_refund(self.shop.account, self.pick("charge", choice)["id"], 1 + choice * 10)

    async def finish_refund(self, choice: int) -> None:
        refund = self.pick("refund", choice)
        (complete_refund, fail_refund)[choice % 2](self.shop.account, refund["id"])

    async def dispute(self, choice: int) -> None:
        charge = self.pick("charge", choice)
        open_dispute(self.shop.account, charge["id"], inquiry=choice % 2 == 0)

    async def finish_dispute(self, choice: int) -> None:
        dispute = self.pick("dispute", choice)
        if choice % 3 == 0:
            escalate_inquiry(self.shop.account, dispute["id"])
        else:
            close_dispute(self.shop.account, dispute["id"], won=choice % 3 == 1)


STEP_METHODS: list[Step] = [
    History.open, History.pay, History.finish_payments, History.wait, History.change_card,
    History.cancel, History.resume, History.end, History.switch, History.refund,
    History.finish_refund, History.dispute, History.finish_dispute,
]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(STEP_METHODS), st.integers(0, 30)), min_size=5, max_size=40
)


@hypothesis.given(
    steps=STEPS, first=st.integers(0, 30), after_retries=st.sampled_from(["canceled", "unpaid"])
)
def test_every_history_keeps_the_sdks_types_and_the_sums(
    steps: list[tuple[Step, int]], first: int, after_retries: str
) -> None:
    sdk = SdkContract()
    shop = Shop(StandIn(START, inspector=sdk))
    shop.account.after_retries = after_retries
    asyncio.run(_play(shop, [(History.open, first), (History.pay, 0), *steps]))
    sdk.assert_no_breaches()
    for by_id in shop.account.objects.values():
        for obj in by_id.values():
            assert breaches_of(obj) == []
    _check_sums(shop)


async def _play(shop: Shop, steps: list[tuple[Step, int]]) -> None:
    await shop.open()
    create_coupon(shop.account, {"id": "FREE", "percent_off": "100"})
    history = History(shop)
    for step, choice in steps:
        try:
            await step(history, choice)
        except (ApiError, stripe.InvalidRequestError):
            # A step that is not possible now is refused, as by Stripe, and has no effect.
            continue


def _check_sums(shop: Shop) -> None:
    for charge in shop.account.find_all("charge"):
        live = [
            r
            for r in shop.account.find_all("refund", charge=charge["id"])
            if r["status"] != "failed"
        ]
        assert charge["amount_refunded"] == sum(refund["amount"] for refund in live)
        assert 0 <= charge["amount_refunded"] <= charge["amount_captured"]
    for invoice in shop.account.find_all("invoice"):
        paid = invoice["amount_due"] if invoice["status"] == "paid" else 0
        assert invoice["amount_paid"] == paid
    for subscription in shop.account.find_all("subscription"):
        assert (subscription["status"] == "canceled") == (subscription["ended_at"] is not None)
        periods = [
            (item["current_period_start"], item["current_period_end"])
            for item in subscription["items"]["data"]
        ]
        assert all(start < end for start, end in periods)
        if subscription["status"] in {"active", "trialing", "past_due", "unpaid"}:
            assert all(start <= shop.account.now < end for start, end in periods)
