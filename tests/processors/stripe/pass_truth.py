"""When each pass is used, played from the stand-in's own objects and by no code of the service.

Passes of a week are used one at a time, in the order of their payments, while neither a trial nor a
paid period of the same customer covers the time, and not while their whole price is taken back.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

from paywall.sandbox.stripe.account import StandInAccount
from tests.processors.stripe.invoice_truth import (
    Taken,
    charged_time,
    intents_of,
    is_credited,
    moments,
    taken_of,
)
from tests.processors.stripe.shop import PRODUCTS

WEEK_SECONDS = 7 * 86_400
AT_THE_DESK = "at the desk"
NEVER_PAID = {"incomplete", "incomplete_expired"}


class Paid(NamedTuple):
    """Something with a price, good in `[starts, ends)` while less than its price is taken back."""

    starts: float
    ends: float
    price: int
    taken: list[Taken]

    def holds(self, at: float) -> bool:
        back = sum(taken.amount for taken in self.taken if taken.starts <= at < taken.ends)
        return self.starts <= at < self.ends and not 0 < self.price <= back

    def changes(self) -> Iterator[float]:
        yield from (self.starts, self.ends)
        for taken in self.taken:
            yield from (taken.starts, taken.ends)


def passes_of(account: StandInAccount) -> dict[str, tuple[int, int]]:
    """From when until when each pass opens everything, by the id of its session."""
    times: dict[str, tuple[int, int]] = {}
    for customer in account.find_all("customer"):
        sold = dict(sorted(_sold(account, customer["id"]), key=lambda one: (one[1].starts, one[0])))
        times |= _play(sold, list(_covers(account, customer["id"])))
    return times


def _play(sold: dict[str, Paid], covers: list[Paid]) -> dict[str, tuple[int, int]]:
    left = {session_id: float(WEEK_SECONDS) for session_id in sold}
    uses: dict[str, tuple[float, float]] = {}
    changes = {at for one in [*sold.values(), *covers] for at in one.changes()}
    at = min(changes, default=inf)
    while at < inf:
        until = min((change for change in changes if change > at), default=inf)
        is_covered = any(cover.holds(at) for cover in covers)
        usable = [one for one in sold if left[one] and sold[one].holds(at) and not is_covered]
        if usable:
            used = usable[0]
            until = min(until, at + left[used])
            left[used] -= until - at
            uses[used] = (uses.get(used, (at, at))[0], until)
        at = until
    return {
        one: (int(uses[one][0]), int(uses[one][1])) if one in uses else _never(sold[one])
        for one in sold
    }


def _never(paid: Paid) -> tuple[int, int]:
    """One that was taken back before its first use ends when that began."""
    removed = min(at for at in sorted(paid.changes()) if at < inf and not paid.holds(at))
    return int(removed), int(removed)


def _sold(account: StandInAccount, customer_id: str) -> Iterator[tuple[str, Paid]]:
    """Each pass from its payment; with a coupon over all of it, from when its session was made."""
    sessions = account.find_all(
        "checkout.session", mode="payment", status="complete", customer=customer_id
    )
    for session in sessions:
        ((price, _),) = account.hidden_fields(session["id"])["lines"]
        if account.find("product", price["product"])["name"] != PRODUCTS["passes/week"]["title"]:
            continue
        intent_id, amount = session["payment_intent"], session["amount_total"]
        charges = account.find_all("charge", payment_intent=intent_id, paid=True)
        paid_at = session["created"] if not amount else next((c["created"] for c in charges), None)
        if paid_at is not None:
            yield session["id"], Paid(paid_at, inf, amount, list(taken_of(account, {intent_id})))


def _covers(account: StandInAccount, customer_id: str) -> Iterator[Paid]:
    for subscription in account.find_all("subscription", customer=customer_id):
        if subscription["status"] in NEVER_PAID:
            continue
        ended = _ended_now_at(subscription)
        if subscription["trial_start"] is not None:
            yield Paid(subscription["trial_start"], min(subscription["trial_end"], ended), 0, [])
        for invoice in account.find_all("invoice", status="paid"):
            owner = invoice["parent"]["subscription_details"]["subscription"]
            if owner == subscription["id"]:
                yield from _periods(account, invoice, ended)


def _periods(account: StandInAccount, invoice: dict[str, Any], ended: float) -> Iterator[Paid]:
    """The parts of its period during which no other invoice credits the rest of it."""
    starts, ends, _ = charged_time(account, invoice)
    taken = list(taken_of(account, intents_of(account, invoice)))
    inside = [at for at in moments(account) if starts < at < ends]
    for begins, until in pairwise(sorted({starts, *inside, ends})):
        if not is_credited(account, invoice, begins):
            yield Paid(begins, min(until, ended), invoice["amount_paid"], taken)


def _ended_now_at(subscription: dict[str, Any]) -> float:
    """When the reader ended it "now": other ends, as at the desk, leave what was paid."""
    details = subscription["cancellation_details"]
    by_request = details["reason"] == "cancellation_requested" and details["comment"] != AT_THE_DESK
    ended, planned = subscription["ended_at"], subscription["cancel_at"]
    return float(ended) if ended and by_request and ended != planned else inf
