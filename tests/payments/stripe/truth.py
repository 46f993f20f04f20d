"""What is true in Stripe, counted from the stand-in's own objects and by no code of the service."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.sandbox.stripe.account import Account
from paywall.tables import Purchase, StripeSubscription, Subscription

TAKES_BACK = {"needs_response", "under_review", "lost"}


class Truth(NamedTuple):
    """Of each subscription its status and the Unix second through which it was paid; the money.

    `money` is all that was paid, and all that was refunded, in the smallest unit.
    """

    subscriptions: dict[str, tuple[str, int]]
    money: tuple[int, int]


def in_stripe(account: Account) -> Truth:
    subscriptions = {
        each["id"]: (each["status"], max(_paid_through(account, each)))
        for each in account.all("subscription")
    }
    paid = sum(charge["amount"] for charge in account.all("charge") if charge["paid"])
    refunded = sum(refund["amount"] for refund in account.all("refund", status="succeeded"))
    return Truth(subscriptions, (paid, refunded))


async def as_recorded(session: AsyncSession) -> Truth:
    subscriptions = {}
    for each in (await session.exec(select(Subscription))).all():
        billing = await session.get(StripeSubscription, each.id)
        if billing is not None:
            subscriptions[each.id] = (str(billing.status), int(each.paid_through.timestamp()))
    purchases = (await session.exec(select(Purchase))).all()
    money = sum(each.amount_paid for each in purchases), sum(each.refunded for each in purchases)
    return Truth(subscriptions, money)


def _paid_through(account: Account, subscription: dict[str, Any]) -> Iterator[int]:
    """Every moment through which it was paid; a trial, and its very beginning, count as paid."""
    yield subscription["start_date"]
    yield subscription["trial_end"] or 0
    for invoice in account.all("invoice", status="paid"):
        owner = invoice["parent"]["subscription_details"]["subscription"]
        paid = invoice["amount_paid"]
        if owner == subscription["id"] and (paid == 0 or _taken_back(account, invoice) < paid):
            yield from (line["period"]["end"] for line in invoice["lines"]["data"])


def _taken_back(account: Account, invoice: dict[str, Any]) -> int:
    payments = account.all("invoice_payment", invoice=invoice["id"], status="paid")
    intents = {payment["payment"]["payment_intent"] for payment in payments}
    refunds = [r for r in account.all("refund") if r["status"] == "succeeded"]
    disputes = [d for d in account.all("dispute") if d["status"] in TAKES_BACK]
    return sum(t["amount"] for t in [*refunds, *disputes] if t["payment_intent"] in intents)
