"""What is true in Stripe, counted from the stand-in's own objects and by no code of the service."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from math import inf
from typing import Any, NamedTuple

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Purchase, StripeSubscription, Subscription
from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.currencies import decimals_of
from tests.processors.stripe.shop import PRODUCTS
from tests.rules.currencies import published_decimals

TAKES_BACK = {"succeeded", "needs_response", "under_review", "lost"}
PENDING = {"pending", "warning_needs_response", "warning_under_review"}
WEEK_SECONDS = 7 * 86_400


class Truth(NamedTuple):
    """Of each subscription its status and the Unix second through which it was paid; the money.

    `money` is all that was paid and all that was refunded, by currency. `passes` are the
    Unix seconds from which and until which each opens everything, by the id of its session.
    """

    subscriptions: dict[str, tuple[str, int]]
    money: dict[str, tuple[Decimal, Decimal]]
    passes: dict[str, tuple[int, int]]


def in_stripe(account: StandInAccount) -> Truth:
    subscriptions = {
        item["id"]: (item["status"], max(_paid_through(account, item)))
        for item in account.find_all("subscription")
    }
    charges = account.find_all("charge", paid=True)
    refunds = account.find_all("refund", status="succeeded")
    amounts = [(charge["currency"], charge["amount"], 0) for charge in charges]
    amounts += [(refund["currency"], 0, refund["amount"]) for refund in refunds]
    return Truth(subscriptions, _money(amounts, decimals_of), _passes(account))


async def as_recorded(session: AsyncSession) -> Truth:
    subscriptions = {}
    recorded = (await session.exec(select(Subscription))).all()
    for item in recorded:
        billing = await session.get(StripeSubscription, item.id)
        if billing is not None:
            subscriptions[item.id] = (str(billing.status), int(item.paid_through.timestamp()))
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


def _paid_through(account: StandInAccount, subscription: dict[str, Any]) -> Iterator[int]:
    """Every moment through which it was paid; a trial, and its very beginning, count as paid."""
    yield subscription["start_date"]
    yield subscription["trial_end"] or 0
    for invoice in account.find_all("invoice", status="paid"):
        owner = invoice["parent"]["subscription_details"]["subscription"]
        paid = invoice["amount_paid"]
        if owner == subscription["id"] and (paid == 0 or _clawed_back(account, invoice) < paid):
            credited_from = [at for at, _ in _credited(account, invoice)]
            charged = [line for line in invoice["lines"]["data"] if not _credited_by(line)]
            for line in charged:
                yield min([line["period"]["end"], *credited_from])


def _credited(account: StandInAccount, invoice: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """From when on other paid invoices credit this one, and how much of its price they give back.

    Of each, what is left of its credits after the charges for the rest of the same period.
    """
    for later in account.find_all("invoice", status="paid"):
        prorated = sorted(
            (line for line in later["lines"]["data"] if _details(line)["proration"]),
            key=lambda line: str(line["id"]),
        )
        back = -sum(line["amount"] for line in prorated if _credited_by(line))
        back -= max(0, sum(line["amount"] for line in prorated if not _credited_by(line)))
        for line in prorated:
            if credited := _credited_by(line):
                share = max(0, min(back, -line["amount"]))
                back -= share
                if credited == invoice["id"]:
                    yield line["period"]["start"], share


def _credited_by(line: dict[str, Any]) -> str:
    """The invoice that a line credits; empty for a charge."""
    items = _details(line)["proration_details"]["credited_items"]
    return str(items["invoice"]) if items else ""


def _details(line: dict[str, Any]) -> dict[str, Any]:
    return dict(line["parent"]["subscription_item_details"])


def _clawed_back(account: StandInAccount, invoice: dict[str, Any]) -> int:
    payments = account.find_all("invoice_payment", invoice=invoice["id"], status="paid")
    intents = {payment["payment"]["payment_intent"] for payment in payments}
    clawbacks = [*account.find_all("refund"), *account.find_all("dispute")]
    standing = [clawback for clawback in clawbacks if clawback["status"] in TAKES_BACK]
    refunded = sum(t["amount"] for t in standing if t["payment_intent"] in intents)
    credited = sum(back for _, back in _credited(account, invoice))
    return int(refunded + credited)


def _passes(account: StandInAccount) -> dict[str, tuple[int, int]]:
    """One reader buys passes of a week: each runs from its payment or from the end of the others.

    One that is on its way back when the next is paid for is in nobody's way.
    """
    spans: dict[str, tuple[int, int]] = {}
    gone: dict[str, float] = {}
    for paid_at, session_id, session in sorted(_paid_passes(account), key=lambda sold: sold[:2]):
        running = [end for id_, (_, end) in spans.items() if gone[id_] >= paid_at]
        start = max([paid_at, *running])
        spans[session_id] = (start, start + WEEK_SECONDS)
        gone[session_id] = _gone_at(account, session, PENDING | TAKES_BACK)
    taken = {
        session_id
        for _, session_id, session in _paid_passes(account)
        if _gone_at(account, session, TAKES_BACK) < inf
    }
    return {id_: (start, start if id_ in taken else end) for id_, (start, end) in spans.items()}


def _paid_passes(account: StandInAccount) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """When each was paid for; with a coupon over all of it, when its session was made."""
    for session in account.find_all("checkout.session", mode="payment", status="complete"):
        ((price, _),) = account.hidden_fields(session["id"])["lines"]
        if account.find("product", price["product"])["name"] != PRODUCTS["passes/week"]["title"]:
            continue
        charges = account.find_all("charge", payment_intent=session["payment_intent"], paid=True)
        if session["amount_total"] == 0:
            yield session["created"], session["id"], session
        elif charge := next(charges, None):
            yield charge["created"], session["id"], session


def _gone_at(account: StandInAccount, session: dict[str, Any], standing: set[str]) -> float:
    """When refunds and disputes that stand so came to the whole of the price."""
    back = 0
    for clawback in sorted(
        [*account.find_all("refund"), *account.find_all("dispute")],
        key=lambda clawback: clawback["created"],
    ):
        is_of_it = clawback["payment_intent"] == session["payment_intent"]
        back += clawback["amount"] if is_of_it and clawback["status"] in standing else 0
        if 0 < session["amount_total"] <= back:
            return float(clawback["created"])
    return inf
