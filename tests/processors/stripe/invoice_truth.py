"""What a paid invoice pays for and what was taken back of it, from the stand-in's own objects."""

from collections.abc import Iterator
from math import inf
from typing import Any, NamedTuple

from paywall.sandbox.stripe.account import StandInAccount

TAKES_BACK = {"pending", "succeeded", "needs_response", "under_review", "lost"}
DISPUTED = {"needs_response", "under_review", "lost", "won"}
# A Unix second after all that happens.
IN_THE_END = 1e12


class Credit(NamedTuple):
    """A later invoice, `given_by`, credits an amount of this one for the time from `starts` on."""

    starts: int
    amount: int
    given_by: dict[str, Any]


class ChargedTime(NamedTuple):
    """The time `[starts, ends)` that an invoice charges for; `item` gives its end, if any does."""

    starts: int
    ends: int
    item: str | None


class Taken(NamedTuple):
    """An amount that was taken back in `[starts, ends)`."""

    starts: float
    ends: float
    amount: int


def charged_time(account: StandInAccount, invoice: dict[str, Any]) -> ChargedTime:
    """The time that an invoice charges for; empty if it only credits.

    Beside an item at a price of the catalogue, other items give no time.
    """
    lines = invoice["lines"]["data"]
    charged = _charged(lines)
    sold = {_item(line) for line in charged if _is_sold(account, line)}
    giving = [line for line in charged if not sold or _item(line) in sold]
    starts = min(line["period"]["start"] for line in giving or lines)
    if not giving:
        return ChargedTime(starts, starts, None)
    last = max(giving, key=lambda line: (line["period"]["end"], line["amount"], _item(line)))
    return ChargedTime(starts, max(starts, last["period"]["end"]), _item(last))


def _charged(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The charges; one that waited for this invoice ends where another of its lines credits it.

    Such a credit names no invoice. It is for the charge of its item before it.
    """
    charged: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for line in lines:
        if line["amount"] < 0 and not _credited_by(line):
            cut = [one for one in waiting if _item(one) == _item(line)][-1]
            waiting = [one for one in waiting if one is not cut]
            cut["period"]["end"] = line["period"]["start"]
        elif not _credited_by(line):
            charged.append(line | {"period": dict(line["period"])})
            waiting += [charged[-1]] if _details(line)["proration"] else []
    return charged


def credited(account: StandInAccount, invoice: dict[str, Any]) -> Iterator[Credit]:
    """What other paid invoices credit of the item of this one, whatever became of them."""
    item = charged_time(account, invoice).item
    for later in account.find_all("invoice", status="paid"):
        for line in later["lines"]["data"]:
            if _credited_by(line) == invoice["id"] and _item(line) == item:
                yield Credit(line["period"]["start"], -line["amount"], later)


def stands(account: StandInAccount, credit: Credit, at: float) -> bool:
    """Whether a credit counts: not while the invoice with it is taken back in whole.

    If that invoice is credited too, its own credits are in a later invoice, and count on.
    """
    if at < credit.starts:
        return False
    taken = taken_of(account, intents_of(account, credit.given_by))
    back = sum(one.amount for one in taken if one.starts <= at < one.ends)
    is_paid = not 0 < credit.given_by["amount_paid"] <= back
    return is_paid or is_credited(account, credit.given_by, at)


def is_credited(account: StandInAccount, invoice: dict[str, Any], at: float) -> bool:
    return any(stands(account, credit, at) for credit in credited(account, invoice))


def taken_of(account: StandInAccount, intents: set[str]) -> Iterator[Taken]:
    """What refunds and disputes took back of these payments, and when."""
    for refund in account.find_all("refund"):
        if refund["payment_intent"] not in intents:
            continue
        failure = refund["failure_balance_transaction"]
        if refund["status"] in TAKES_BACK:
            yield Taken(refund["created"], inf, refund["amount"])
        elif failure is not None:
            failed = account.find("balance_transaction", failure)["created"]
            yield Taken(refund["created"], failed, refund["amount"])
    for dispute in account.find_all("dispute"):
        if dispute["payment_intent"] in intents and dispute["status"] in DISPUTED:
            withdrawn, *reinstated = (moved["created"] for moved in dispute["balance_transactions"])
            yield Taken(withdrawn, min(reinstated, default=inf), dispute["amount"])


def moments(account: StandInAccount) -> Iterator[float]:
    """When something was credited or taken back, or came back."""
    for invoice in account.find_all("invoice", status="paid"):
        yield from (credit.starts for credit in credited(account, invoice))
        for taken in taken_of(account, intents_of(account, invoice)):
            yield from (taken.starts, taken.ends)


def intents_of(account: StandInAccount, invoice: dict[str, Any]) -> set[str]:
    """The payment intents that paid an invoice."""
    payments = account.find_all("invoice_payment", invoice=invoice["id"], status="paid")
    return {payment["payment"]["payment_intent"] for payment in payments}


def clawed_back(account: StandInAccount, invoice: dict[str, Any]) -> int:
    """What stands taken back of an invoice in the end."""
    intents = intents_of(account, invoice)
    clawbacks = [*account.find_all("refund"), *account.find_all("dispute")]
    standing = [clawback for clawback in clawbacks if clawback["status"] in TAKES_BACK]
    refunded = sum(t["amount"] for t in standing if t["payment_intent"] in intents)
    credits_ = credited(account, invoice)
    standing_credits = (one.amount for one in credits_ if stands(account, one, IN_THE_END))
    return int(refunded + sum(standing_credits))


def _credited_by(line: dict[str, Any]) -> str:
    """The invoice that a line credits; empty for a charge."""
    items = _details(line)["proration_details"]["credited_items"]
    return str(items["invoice"]) if items else ""


def _is_sold(account: StandInAccount, line: dict[str, Any]) -> bool:
    """Whether its price is one of the catalogue, by which alone it has a key."""
    price_id = line["pricing"]["price_details"]["price"]
    return account.find("price", price_id)["lookup_key"] is not None


def _item(line: dict[str, Any]) -> str:
    return str(_details(line)["subscription_item"])


def _details(line: dict[str, Any]) -> dict[str, Any]:
    return dict(line["parent"]["subscription_item_details"])
