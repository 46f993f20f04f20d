"""A subscription changes its price: what is owed for the rest of the period, and given back.

https://docs.stripe.com/billing/subscriptions/prorations
"""

from enum import StrEnum

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.billing import collect
from paywall.sandbox.stripe.customers import card_of
from paywall.sandbox.stripe.forms import integer, required, text
from paywall.sandbox.stripe.invoices import Line, draft, finalise
from paywall.sandbox.stripe.periods import period_end
from paywall.sandbox.stripe.refusal import invalid
from paywall.sandbox.stripe.shapes import Json, copy_of


class Proration(StrEnum):
    """When the difference is billed."""

    NEXT_INVOICE = "create_prorations"
    NOW = "always_invoice"
    NEVER = "none"


def switch(account: Account, subscription: Json, given: Json, proration: Proration) -> None:
    """Give one item of a subscription another price; another interval begins a period now."""
    item = _item_named(subscription, required(given, "id"))
    old = copy_of(item)
    price = account.find("price", text(given, "price") or item["price"]["id"], "items[0][price]")
    if price["recurring"] is None:
        raise invalid(
            "items[0][price]",
            "The price specified is set to `type=one_time` but this field only accepts prices"
            " with `type=recurring`.",
        )
    if price["currency"] != subscription["currency"]:
        raise invalid("items[0][price]", "All prices on a subscription have one currency.")
    item["price"] = copy_of(price)
    item["quantity"] = integer(given, "quantity") or item["quantity"]
    begins_anew = _rhythm(old) != _rhythm(item) and subscription["status"] != "trialing"
    lines = (
        []
        if proration is Proration.NEVER
        else _prorated(account, old, item, begins_anew=begins_anew)
    )
    if begins_anew:
        item["current_period_start"] = account.now
        item["current_period_end"] = period_end(price, account.now, account.now)
        subscription["billing_cycle_anchor"] = account.now
        lines.append(_whole(item))
    if subscription["status"] == "trialing":
        lines = []
    account.tell("customer.subscription.updated", subscription, {"items": {"data": [old]}})
    _bill(account, subscription, lines, now=begins_anew or proration is Proration.NOW)


def pending_lines(account: Account, subscription: Json) -> list[Line]:
    """What was prorated since the last invoice; asked for once, it is billed."""
    return [Line(*line) for line in account.note(subscription["id"]).pop("pending", [])]


def _bill(account: Account, subscription: Json, lines: list[Line], *, now: bool) -> None:
    if not now:
        account.note(subscription["id"]).setdefault("pending", []).extend(lines)
        return
    lines = [*pending_lines(account, subscription), *lines]
    if lines:
        invoice = finalise(account, draft(account, subscription, "subscription_update", lines))
        collect(account, invoice, card_of(account, subscription["customer"]))


def _prorated(account: Account, old: Json, new: Json, *, begins_anew: bool) -> list[Line]:
    credit = _rest(account, old)
    lines = [
        Line(
            old,
            old["price"],
            -credit,
            account.now,
            old["current_period_end"],
            "Unused time",
            is_proration=True,
        )
    ]
    if not begins_anew:
        lines.append(
            Line(
                new,
                new["price"],
                _rest(account, new),
                account.now,
                new["current_period_end"],
                "Remaining time",
                is_proration=True,
            )
        )
    return lines


def _rest(account: Account, item: Json) -> int:
    """The part of a period's price that falls to what is left of it."""
    start: int = item["current_period_start"]
    end: int = item["current_period_end"]
    whole: int = item["price"]["unit_amount"] * item["quantity"]
    return round(whole * (end - account.now) / (end - start))


def _whole(item: Json) -> Line:
    amount = item["price"]["unit_amount"] * item["quantity"]
    start, end = item["current_period_start"], item["current_period_end"]
    return Line(item, item["price"], amount, start, end, "Subscription")


def _rhythm(item: Json) -> tuple[str, int]:
    recurring = item["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def _item_named(subscription: Json, item_id: str) -> Json:
    for item in subscription["items"]["data"]:
        if item["id"] == item_id:
            found: Json = item
            return found
    raise invalid("items[0][id]", f"Subscription item {item_id} is not of this subscription.")
