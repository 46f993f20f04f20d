"""Subscriptions: begun, changed, cancelled, resumed."""

from typing import NamedTuple

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.billing import collect, end_subscription
from paywall.sandbox.stripe.customers import card_of
from paywall.sandbox.stripe.forms import merged, nested, rows, text, truth
from paywall.sandbox.stripe.invoices import Line, draft, finalise
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.periods import DAY_SECONDS, period_end
from paywall.sandbox.stripe.refusal import Refusal, invalid, no_such
from paywall.sandbox.stripe.shapes import Json, copy_of
from paywall.sandbox.stripe.switching import Proration, switch


class Bought(NamedTuple):
    """One price, so many times."""

    price: Json
    quantity: int


def begin(
    account: Account, customer_id: str, lines: list[Bought], given: Json, *, coupon: str | None
) -> Json:
    """A new subscription that nothing was paid for yet; `given` is the `subscription_data`."""
    trial_end = _trial_end(account, given)
    subscription = account.new(
        "subscription",
        billing_cycle_anchor=trial_end or account.now,
        currency=lines[0].price["currency"],
        customer=customer_id,
        default_payment_method=account.note(customer_id).get("payment_method"),
        description=text(given, "description"),
        metadata=merged({}, given),
        start_date=account.now,
        status="trialing" if trial_end else "incomplete",
        trial_end=trial_end,
        trial_settings=_trial_settings(given),
        trial_start=account.now if trial_end else None,
    )
    account.note(subscription["id"])["coupon"] = coupon
    subscription["items"]["data"] = [
        account.part(
            "subscription_item",
            current_period_start=account.now,
            current_period_end=trial_end or period_end(line.price, account.now, account.now),
            price=copy_of(line.price),
            quantity=line.quantity,
            subscription=subscription["id"],
        )
        for line in lines
    ]
    account.tell("customer.subscription.created", subscription)
    return subscription


def first_invoice(account: Account, subscription: Json) -> Json:
    """The invoice of a new subscription, which is charged at once; nothing for a trial."""
    lines = [_first_line(item, subscription) for item in subscription["items"]["data"]]
    return finalise(account, draft(account, subscription, "subscription_create", lines))


def update_subscription(account: Account, given: Json, subscription_id: str) -> Json:
    """Cancel at the end, take that back, switch the price, pause collection, and the like."""
    subscription = account.find("subscription", subscription_id)
    if subscription["status"] in {"canceled", "incomplete_expired"} and set(given) - {
        "cancellation_details",
        "expand",
        "metadata",
    }:
        raise Refusal(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    changes: Json = {
        "metadata": merged(subscription["metadata"], given),
        "cancellation_details": _details(subscription, given),
        **_cancellation(account, subscription, given),
    }
    if "pause_collection" in given:
        changes["pause_collection"] = _pause(given)
    if "description" in given:
        changes["description"] = text(given, "description")
    if any(subscription[name] != value for name, value in changes.items()):
        account.change(subscription, "customer.subscription.updated", **changes)
    for item in rows(given, "items"):
        proration = Proration(text(given, "proration_behavior") or Proration.NEXT_INVOICE)
        switch(account, subscription, item, proration)
    return subscription


def cancel_subscription(account: Account, given: Json, subscription_id: str) -> Json:
    """End it now."""
    subscription = account.find("subscription", subscription_id)
    if subscription["status"] == "canceled":
        raise no_such("subscription", subscription_id)
    subscription["cancellation_details"] = _details(subscription, given)
    return end_subscription(account, subscription, "cancellation_requested")


def resume_subscription(account: Account, _given: Json, subscription_id: str) -> Json:
    """A paused subscription goes on with a new period, which is charged at once."""
    subscription = account.find("subscription", subscription_id)
    if subscription["status"] != "paused":
        raise Refusal("Only paused subscriptions can be resumed.")
    subscription["billing_cycle_anchor"] = account.now
    for item in subscription["items"]["data"]:
        item["current_period_start"] = account.now
        item["current_period_end"] = period_end(item["price"], account.now, account.now)
    lines = [_first_line(item, subscription) for item in subscription["items"]["data"]]
    invoice = finalise(account, draft(account, subscription, "subscription_update", lines))
    account.change(subscription, "customer.subscription.updated", status="active")
    account.tell("customer.subscription.resumed", subscription)
    collect(account, invoice, card_of(account, subscription["customer"]))
    return subscription


def list_subscriptions(account: Account, given: Json) -> Json:
    """Subscriptions; the canceled ones only where `status` asks for them."""
    status = text(given, "status")
    equal = {"customer": given["customer"]} if given.get("customer") else {}
    price = text(given, "price")
    found = [
        row
        for row in account.all("subscription", **equal)
        if _is_asked_for(row["status"], status)
        and (not price or any(item["price"]["id"] == price for item in row["items"]["data"]))
    ]
    return page(found, given, "/v1/subscriptions")


def _is_asked_for(status: str, asked: str | None) -> bool:
    over = {"canceled", "incomplete_expired"}
    match asked:
        case None:
            return status not in over
        case "all":
            return True
        case "ended":
            return status in over
        case _:
            return status == asked


def _first_line(item: Json, subscription: Json) -> Line:
    amount = item["price"]["unit_amount"] * item["quantity"]
    is_trial = subscription["status"] == "trialing"
    return Line(
        item,
        item["price"],
        0 if is_trial else amount,
        item["current_period_start"],
        item["current_period_end"],
        "Trial period" if is_trial else "Subscription",
    )


def _cancellation(account: Account, subscription: Json, given: Json) -> Json:
    """What an update makes of the end; `cancel_at` is what the portal sets."""
    end = max(item["current_period_end"] for item in subscription["items"]["data"])
    at_end = truth(given, "cancel_at_period_end")
    if "cancel_at" not in given and not at_end and not subscription["cancel_at_period_end"]:
        # What the portal cancelled by `cancel_at` does not go on by taking back the flag.
        return {}
    cancel_at = end if at_end else _moment(given, end)
    if cancel_at is not None and cancel_at <= account.now:
        raise invalid("cancel_at", "`cancel_at` must be in the future.")
    reason = "cancellation_requested" if cancel_at else None
    return {
        "cancel_at": cancel_at,
        "cancel_at_period_end": bool(at_end),
        "canceled_at": (subscription["canceled_at"] or account.now) if cancel_at else None,
        "cancellation_details": {**_details(subscription, given), "reason": reason},
    }


def _moment(given: Json, period_ends_at: int) -> int | None:
    value = text(given, "cancel_at")
    if value in {"min_period_end", "max_period_end"}:
        return period_ends_at
    return None if value is None else int(value)


def _details(subscription: Json, given: Json) -> Json:
    told = nested(given, "cancellation_details")
    changes = {name: text(told, name) for name in ("comment", "feedback") if name in told}
    return {**subscription["cancellation_details"], **changes}


def _pause(given: Json) -> Json | None:
    pause = nested(given, "pause_collection")
    if not pause:
        return None
    resumes_at = text(pause, "resumes_at")
    return {
        "behavior": text(pause, "behavior"),
        "resumes_at": None if resumes_at is None else int(resumes_at),
    }


def _trial_end(account: Account, given: Json) -> int | None:
    if days := text(given, "trial_period_days"):
        return account.now + int(days) * DAY_SECONDS
    end = text(given, "trial_end")
    return None if end is None else int(end)


def _trial_settings(given: Json) -> Json:
    behavior = nested(nested(given, "trial_settings"), "end_behavior")
    missing = text(behavior, "missing_payment_method") or "create_invoice"
    return {"end_behavior": {"missing_payment_method": missing}}
