"""Adds and removes items of a subscription, such as an add-on to a plan."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.errors import invalid_parameter
from paywall.sandbox.stripe.forms import optional_boolean, optional_integer, required_text
from paywall.sandbox.stripe.invoices import DraftLine
from paywall.sandbox.stripe.objects import Json, copy_object
from paywall.sandbox.stripe.periods import period_around
from paywall.sandbox.stripe.proration import (
    ProrationBehavior,
    bill_lines,
    change_price,
    credit_lines,
    find_item,
    find_recurring_price,
    rest_line,
)

ITEMS_MAX = 20


def change_item(
    account: StandInAccount, subscription: Json, params: Json, proration: ProrationBehavior
) -> None:
    """Add an item, or remove or change the one whose id is given."""
    if "id" not in params:
        _add_item(account, subscription, params, proration)
    elif optional_boolean(params, "deleted"):
        _remove_item(account, subscription, params, proration)
    else:
        change_price(account, subscription, params, proration)


def _add_item(
    account: StandInAccount, subscription: Json, params: Json, proration: ProrationBehavior
) -> None:
    """The rest of the current period is charged for; the first full period follows it."""
    items = subscription["items"]["data"]
    if len(items) == ITEMS_MAX:
        raise invalid_parameter("items", f"A subscription has at most {ITEMS_MAX} items.")
    price = find_recurring_price(account, subscription, required_text(params, "price"))
    before = copy_object(subscription["items"])
    anchor = subscription["billing_cycle_anchor"]
    starts_at, ends_at = period_around(price, anchor, account.now)
    if subscription["status"] == "trialing":
        starts_at, ends_at = subscription["trial_start"], subscription["trial_end"]
    item = account.build(
        "subscription_item",
        current_period_start=starts_at,
        current_period_end=ends_at,
        price=copy_object(price),
        quantity=optional_integer(params, "quantity") or 1,
        subscription=subscription["id"],
    )
    items.append(item)
    account.emit_event("customer.subscription.updated", subscription, {"items": before})
    _bill(account, subscription, [rest_line(account, item)], proration)


def _remove_item(
    account: StandInAccount, subscription: Json, params: Json, proration: ProrationBehavior
) -> None:
    item = find_item(subscription, required_text(params, "id"))
    items = subscription["items"]["data"]
    if len(items) == 1:
        raise invalid_parameter("items", "A subscription must have at least one item.")
    before = copy_object(subscription["items"])
    lines = list(credit_lines(account, subscription, item))
    items.remove(item)
    account.emit_event("customer.subscription.updated", subscription, {"items": before})
    _bill(account, subscription, lines, proration)


def _bill(
    account: StandInAccount,
    subscription: Json,
    lines: list[DraftLine],
    proration: ProrationBehavior,
) -> None:
    if subscription["status"] != "trialing" and proration is not ProrationBehavior.NEVER:
        bill_lines(account, subscription, lines, now=proration is ProrationBehavior.NOW)
