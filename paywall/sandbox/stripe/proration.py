"""Changes a subscription's price, with credits and charges for the rest of the period.

https://docs.stripe.com/billing/subscriptions/prorations
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import collect_invoice
from paywall.sandbox.stripe.customers import card_for_renewal
from paywall.sandbox.stripe.errors import invalid_parameter
from paywall.sandbox.stripe.forms import optional_integer, optional_text, required_text
from paywall.sandbox.stripe.invoices import (
    DraftLine,
    draft_invoice,
    finalize_invoice,
    invoices_of,
)
from paywall.sandbox.stripe.objects import Json, copy_object
from paywall.sandbox.stripe.periods import period_end


class ProrationBehavior(StrEnum):
    """When the difference is billed."""

    NEXT_INVOICE = "create_prorations"
    NOW = "always_invoice"
    NEVER = "none"


class Debit(NamedTuple):
    """What was charged for `[starts_at, ends_at)`, after discounts; a credit for it is `credited`.

    `credited` is None of a charge that is not on an invoice yet.
    """

    amount: float
    starts_at: int
    ends_at: int
    credited: Json | None


def change_price(
    account: StandInAccount, subscription: Json, params: Json, proration: ProrationBehavior
) -> None:
    """Change the price of a subscription item; another interval starts a new period now."""
    item = find_item(subscription, required_text(params, "id"))
    old = copy_object(item)
    price = find_recurring_price(
        account, subscription, optional_text(params, "price") or item["price"]["id"]
    )
    item["price"] = copy_object(price)
    item["quantity"] = optional_integer(params, "quantity") or item["quantity"]
    starts_period = (
        _billing_interval(old) != _billing_interval(item) and subscription["status"] != "trialing"
    )
    lines = (
        []
        if proration is ProrationBehavior.NEVER
        else _proration_lines(account, subscription, old, item, starts_period=starts_period)
    )
    if starts_period:
        item["current_period_start"] = account.now
        item["current_period_end"] = period_end(price, account.now, account.now)
        subscription["billing_cycle_anchor"] = account.now
        lines.append(_full_period_line(item))
    if subscription["status"] == "trialing":
        lines = []
    account.emit_event("customer.subscription.updated", subscription, {"items": {"data": [old]}})
    bill_lines(
        account, subscription, lines, now=starts_period or proration is ProrationBehavior.NOW
    )


def find_recurring_price(account: StandInAccount, subscription: Json, price_id: str) -> Json:
    """A price that an item of this subscription can have."""
    price = account.find("price", price_id, "items[0][price]")
    if price["recurring"] is None:
        raise invalid_parameter(
            "items[0][price]",
            "The price specified is set to `type=one_time` but this field only accepts prices"
            " with `type=recurring`.",
        )
    if price["currency"] != subscription["currency"]:
        raise invalid_parameter(
            "items[0][price]", "All prices of a subscription must have one currency."
        )
    return price


def credit_rest(account: StandInAccount, subscription: Json, *, invoice_now: bool) -> None:
    """Credit the rest of the period of a subscription that is about to end."""
    if subscription["status"] != "trialing":
        lines = [
            line
            for item in subscription["items"]["data"]
            for line in credit_lines(account, subscription, item)
        ]
        bill_lines(account, subscription, lines, now=invoice_now)


def take_pending_lines(account: StandInAccount, subscription: Json) -> list[DraftLine]:
    """Take the prorations since the last invoice, to be put on the next one."""
    return [
        DraftLine(*line) for line in account.hidden_fields(subscription["id"]).pop("pending", [])
    ]


def bill_lines(
    account: StandInAccount, subscription: Json, lines: list[DraftLine], *, now: bool
) -> None:
    """Bill these now, with those that wait, or keep them for the next invoice."""
    if not now:
        account.hidden_fields(subscription["id"]).setdefault("pending", []).extend(lines)
        return
    lines = [*take_pending_lines(account, subscription), *lines]
    if lines:
        invoice = finalize_invoice(
            account, draft_invoice(account, subscription, "subscription_update", lines)
        )
        collect_invoice(account, invoice, card_for_renewal(account, subscription["customer"]))


def _proration_lines(
    account: StandInAccount, subscription: Json, old: Json, new: Json, *, starts_period: bool
) -> list[DraftLine]:
    lines = list(credit_lines(account, subscription, old))
    if not starts_period:
        lines.append(rest_line(account, new))
    return lines


def rest_line(account: StandInAccount, item: Json) -> DraftLine:
    """The charge for the rest of an item's period."""
    return DraftLine(
        item,
        item["price"],
        _remaining_amount(account, item),
        account.now,
        item["current_period_end"],
        "Remaining time",
        is_proration=True,
    )


def credit_lines(account: StandInAccount, subscription: Json, item: Json) -> Iterator[DraftLine]:
    """The credit for the rest of an item's period, by what was charged; none if nothing was."""
    debits = list(_debits_now(account, subscription, item))
    # A charge replaces those before it, also in the same second.
    for debit in debits[-1:]:
        rest = (debit.ends_at - account.now) / (debit.ends_at - debit.starts_at)
        yield DraftLine(
            item,
            item["price"],
            -round(debit.amount * rest),
            account.now,
            debit.ends_at,
            "Unused time",
            is_proration=True,
            credited=debit.credited,
        )


def _debits_now(account: StandInAccount, subscription: Json, item: Json) -> Iterator[Debit]:
    """The charges for the current time, oldest first: those invoiced, then those waiting."""
    for invoice in invoices_of(account, subscription["id"]):
        if invoice["status"] == "void":
            continue
        subtotal = invoice["subtotal"]
        paid_share = invoice["total"] / subtotal if subtotal > 0 else 1.0
        for row in invoice["lines"]["data"]:
            start, end = row["period"]["start"], row["period"]["end"]
            details = row["parent"]["subscription_item_details"]
            is_of_item = details["subscription_item"] == item["id"]
            is_credit = row["amount"] < 0 or details["proration_details"]["credited_items"]
            if is_of_item and not is_credit and start <= account.now < end:
                credited = {"invoice": invoice["id"], "invoice_line_items": [row["id"]]}
                yield Debit(row["amount"] * paid_share, start, end, credited)
    for pending in account.hidden_fields(subscription["id"]).get("pending", []):
        line = DraftLine(*pending)
        is_charge = line.amount >= 0 and line.credited is None
        is_of_item = line.item["id"] == item["id"]
        if is_of_item and is_charge and line.starts_at <= account.now < line.ends_at:
            yield Debit(line.amount, line.starts_at, line.ends_at, None)


def _remaining_amount(account: StandInAccount, item: Json) -> int:
    """The share of a period's price for the rest of the period."""
    start: int = item["current_period_start"]
    end: int = item["current_period_end"]
    whole: int = item["price"]["unit_amount"] * item["quantity"]
    return round(whole * (end - account.now) / (end - start))


def _full_period_line(item: Json) -> DraftLine:
    amount = item["price"]["unit_amount"] * item["quantity"]
    start, end = item["current_period_start"], item["current_period_end"]
    return DraftLine(item, item["price"], amount, start, end, "Subscription")


def _billing_interval(item: Json) -> tuple[str, int]:
    recurring = item["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def find_item(subscription: Json, item_id: str) -> Json:
    for item in subscription["items"]["data"]:
        if item["id"] == item_id:
            found: Json = item
            return found
    raise invalid_parameter(
        "items[0][id]", f"Subscription item {item_id} does not belong to this subscription."
    )
