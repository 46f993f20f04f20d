"""What a paid invoice pays for and what was taken back of it, from the stand-in's own objects."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from paywall.sandbox.stripe.account import StandInAccount

TAKES_BACK = {"succeeded", "needs_response", "under_review", "lost"}


class Credit(NamedTuple):
    """A later invoice gives back an amount of this one, whose period ends at `starts`."""

    starts: int
    amount: int


def charged_period(invoice: dict[str, Any]) -> tuple[int, int]:
    """The time that an invoice charges for; empty if it only credits.

    A credit that names no invoice is for the charge before it, which no invoice had either.
    """
    lines = invoice["lines"]["data"]
    charged: list[dict[str, int]] = []
    waiting: list[dict[str, int]] = []
    for line in lines:
        if line["amount"] < 0 and not _credited_by(line):
            waiting.pop()["end"] = line["period"]["start"]
        elif not _credited_by(line):
            charged.append(dict(line["period"]))
            waiting += [charged[-1]] if _details(line)["proration"] else []
    starts = min(period["start"] for period in charged or [line["period"] for line in lines])
    return starts, max([starts, *(period["end"] for period in charged)])


def credited(account: StandInAccount, invoice: dict[str, Any]) -> Iterator[Credit]:
    """What other paid invoices credit of this one."""
    for later in account.find_all("invoice", status="paid"):
        for line in later["lines"]["data"]:
            if _credited_by(line) == invoice["id"]:
                yield Credit(line["period"]["start"], -line["amount"])


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
    return int(refunded + sum(credit.amount for credit in credited(account, invoice)))


def _credited_by(line: dict[str, Any]) -> str:
    """The invoice that a line credits; empty for a charge."""
    items = _details(line)["proration_details"]["credited_items"]
    return str(items["invoice"]) if items else ""


def _details(line: dict[str, Any]) -> dict[str, Any]:
    return dict(line["parent"]["subscription_item_details"])
