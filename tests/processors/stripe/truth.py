"""What is true in Stripe, counted from the stand-in's own objects and by no code of the service."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, StripeSubscription, Subscription
from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.currencies import decimals_of
from tests.processors.stripe.invoice_truth import (
    IN_THE_END,
    charged_time,
    clawed_back,
    credited,
    stands,
)
from tests.processors.stripe.pass_truth import passes_of
from tests.rules.currencies import published_decimals


class SubscriptionTruth(NamedTuple):
    """Times are Unix seconds; without a trial both of its are 0, and `set_end` without one."""

    status: str
    paid_through: int
    quantity: int
    trial: tuple[int, int]
    set_end: int


class Truth(NamedTuple):
    """Of each subscription what it is, and the Unix second through which it was paid; the money.

    `money` is all that was paid and all that was refunded, by currency. `passes` are the
    Unix seconds from which and until which each opens everything, by the id of its session.
    """

    subscriptions: dict[str, SubscriptionTruth]
    money: dict[str, tuple[Decimal, Decimal]]
    passes: dict[str, tuple[int, int]]


def in_stripe(account: StandInAccount) -> Truth:
    subscriptions = {
        item["id"]: SubscriptionTruth(
            item["status"],
            max(_paid_through(account, item)),
            item["items"]["data"][0]["quantity"],
            (item["trial_start"] or 0, item["trial_end"] or 0),
            _set_end(item),
        )
        for item in account.find_all("subscription")
    }
    charges = account.find_all("charge", paid=True)
    refunds = account.find_all("refund", status="succeeded")
    amounts = [(charge["currency"], charge["amount"], 0) for charge in charges]
    amounts += [(refund["currency"], 0, refund["amount"]) for refund in refunds]
    return Truth(subscriptions, _money(amounts, decimals_of), passes_of(account))


def second_trials(account: StandInAccount) -> list[str]:
    """Subscriptions that a Checkout page began with a trial, though their customer had one."""
    begun = [
        session["subscription"]
        for session in account.find_all("checkout.session", mode="subscription", status="complete")
    ]
    tried = [one for one in account.find_all("subscription") if one["trial_start"] is not None]
    return [
        one["id"]
        for number, one in enumerate(tried)
        if one["id"] in begun
        and one["customer"] in [earlier["customer"] for earlier in tried[:number]]
    ]


async def as_recorded(session: AsyncSession) -> Truth:
    subscriptions: dict[str, SubscriptionTruth] = {}
    recorded = (await session.exec(select(Subscription))).all()
    for item in recorded:
        billing = await session.get(StripeSubscription, item.id)
        if billing is not None:
            times = billing.trial_starts_at, billing.trial_ends_at, billing.cancels_at
            starts, ends, set_end = (int(at.timestamp()) if at else 0 for at in times)
            subscriptions[item.id] = SubscriptionTruth(
                str(billing.status),
                int(item.paid_through.timestamp()),
                billing.quantity,
                (starts, ends),
                set_end,
            )
    purchases = (await session.exec(select(Purchase))).all()
    amounts = [(item.currency, item.amount_paid, item.refunded) for item in purchases]
    money = _money(amounts, published_decimals().__getitem__)
    sales = {item.id: item.reference for item in purchases}
    passes = {
        sales[item.purchase_id or 0]: (
            int(item.starts_at.timestamp()),
            int(item.access_until.timestamp()),
        )
        for item in recorded
        if item.kind == "pass"
    }
    return Truth(subscriptions, money, passes)


def _money(
    amounts: Iterable[tuple[str, int, int]], decimals: Callable[[str], int]
) -> dict[str, tuple[Decimal, Decimal]]:
    """The sums of what was paid and refunded in each currency, in whole units of it."""
    paid, refunded = Counter[str](), Counter[str]()
    for currency, one_paid, one_refunded in amounts:
        paid[currency] += one_paid
        refunded[currency] += one_refunded
    return {
        currency: (
            Decimal(paid[currency]).scaleb(-decimals(currency)),
            Decimal(refunded[currency]).scaleb(-decimals(currency)),
        )
        for currency in paid
        if paid[currency]
    }


def _set_end(subscription: dict[str, Any]) -> int:
    """The date after the current period on which it is set to end, while it goes on."""
    period_ends_at = max(item["current_period_end"] for item in subscription["items"]["data"])
    is_over = subscription["status"] in ("canceled", "incomplete_expired")
    ends_at = int(subscription["cancel_at"] or 0)
    return 0 if is_over or ends_at <= period_ends_at else ends_at


def _paid_through(account: StandInAccount, subscription: dict[str, Any]) -> Iterator[int]:
    """Every moment through which it was paid; a trial, and its very beginning, count as paid."""
    yield subscription["start_date"]
    yield subscription["trial_end"] or 0
    for invoice in account.find_all("invoice", status="paid"):
        owner = invoice["parent"]["subscription_details"]["subscription"]
        paid = invoice["amount_paid"]
        if owner == subscription["id"] and (paid == 0 or clawed_back(account, invoice) < paid):
            starts, ends, _ = charged_time(account, invoice)
            standing = (c for c in credited(account, invoice) if stands(account, c, IN_THE_END))
            ends = min([ends, *(credit.starts for credit in standing)])
            # One that was credited from its start on, or only credits, pays for no time.
            yield ends if ends > starts else subscription["start_date"]
