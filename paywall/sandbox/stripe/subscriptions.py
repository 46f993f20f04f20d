"""Subscriptions: create, update, cancel, resume and list."""

from typing import NamedTuple

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import collect_invoice, end_subscription
from paywall.sandbox.stripe.customers import card_for_renewal
from paywall.sandbox.stripe.errors import ApiError, invalid_parameter, no_such_object
from paywall.sandbox.stripe.forms import (
    merge_metadata,
    nested_object,
    object_list,
    optional_boolean,
    optional_text,
)
from paywall.sandbox.stripe.invoices import DraftLine, draft_invoice, finalize_invoice
from paywall.sandbox.stripe.items import change_item
from paywall.sandbox.stripe.objects import Json, copy_object
from paywall.sandbox.stripe.pagination import paginate
from paywall.sandbox.stripe.periods import DAY_SECONDS, period_end
from paywall.sandbox.stripe.proration import ProrationBehavior, credit_rest
from paywall.sandbox.stripe.schedules import refuse_scheduled


class PriceQuantity(NamedTuple):
    """A price and how many of it."""

    price: Json
    quantity: int


def create_subscription(
    account: StandInAccount,
    customer_id: str,
    lines: list[PriceQuantity],
    params: Json,
    *,
    coupon: str | None,
) -> Json:
    """Create a subscription without a payment; `params` is Checkout's `subscription_data`."""
    trial_end = _trial_end(account, params)
    subscription = account.create(
        "subscription",
        billing_cycle_anchor=trial_end or account.now,
        currency=lines[0].price["currency"],
        customer=customer_id,
        default_payment_method=account.hidden_fields(customer_id).get("payment_method"),
        description=optional_text(params, "description"),
        metadata=merge_metadata({}, params),
        start_date=account.now,
        status="trialing" if trial_end else "incomplete",
        trial_end=trial_end,
        trial_settings=_trial_settings(params),
        trial_start=account.now if trial_end else None,
    )
    account.hidden_fields(subscription["id"])["coupon"] = coupon
    subscription["items"]["data"] = [
        account.build(
            "subscription_item",
            current_period_start=account.now,
            current_period_end=trial_end or period_end(line.price, account.now, account.now),
            price=copy_object(line.price),
            quantity=line.quantity,
            subscription=subscription["id"],
        )
        for line in lines
    ]
    account.emit_event("customer.subscription.created", subscription)
    return subscription


def create_first_invoice(account: StandInAccount, subscription: Json) -> Json:
    """Create and finalize the first invoice; its amount is zero for a trial."""
    lines = [_first_line(item, subscription) for item in subscription["items"]["data"]]
    return finalize_invoice(
        account, draft_invoice(account, subscription, "subscription_create", lines)
    )


def update_subscription(account: StandInAccount, params: Json, subscription_id: str) -> Json:
    """Update a subscription: cancellation, items, paused collection, metadata, description."""
    subscription = account.find("subscription", subscription_id)
    if subscription["status"] in {"canceled", "incomplete_expired"} and set(params) - {
        "cancellation_details",
        "expand",
        "metadata",
    }:
        raise ApiError(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    refuse_scheduled(subscription, params)
    changes: Json = {
        "metadata": merge_metadata(subscription["metadata"], params),
        "cancellation_details": _cancellation_details(subscription, params),
        **_cancellation(account, subscription, params),
    }
    if "pause_collection" in params:
        changes["pause_collection"] = _pause_collection(params)
    if "description" in params:
        changes["description"] = optional_text(params, "description")
    if any(subscription[name] != value for name, value in changes.items()):
        account.update(subscription, "customer.subscription.updated", **changes)
    for item in object_list(params, "items"):
        proration = ProrationBehavior(
            optional_text(params, "proration_behavior") or ProrationBehavior.NEXT_INVOICE
        )
        change_item(account, subscription, item, proration)
    return subscription


def set_quantity(account: StandInAccount, subscription_id: str, quantity: int) -> Json:
    """Set how many of its price a subscription is for; the difference is billed with the next."""
    (item, *_) = account.find("subscription", subscription_id)["items"]["data"]
    change = {"items": [{"id": item["id"], "quantity": str(quantity)}]}
    return update_subscription(account, change, subscription_id)


def cancel_subscription(account: StandInAccount, params: Json, subscription_id: str) -> Json:
    """Cancel a subscription now; `prorate` credits the rest of its period."""
    subscription = account.find("subscription", subscription_id)
    if subscription["status"] == "canceled":
        raise no_such_object("subscription", subscription_id)
    if optional_boolean(params, "prorate"):
        invoice_now = bool(optional_boolean(params, "invoice_now"))
        credit_rest(account, subscription, invoice_now=invoice_now)
    subscription["cancellation_details"] = _cancellation_details(subscription, params)
    return end_subscription(account, subscription, "cancellation_requested")


def resume_subscription(account: StandInAccount, _given: Json, subscription_id: str) -> Json:
    """Resume a paused subscription with a new period, which is charged at once."""
    subscription = account.find("subscription", subscription_id)
    if subscription["status"] != "paused":
        raise ApiError("Only paused subscriptions can be resumed.")
    subscription["billing_cycle_anchor"] = account.now
    for item in subscription["items"]["data"]:
        item["current_period_start"] = account.now
        item["current_period_end"] = period_end(item["price"], account.now, account.now)
    lines = [_first_line(item, subscription) for item in subscription["items"]["data"]]
    invoice = finalize_invoice(
        account, draft_invoice(account, subscription, "subscription_update", lines)
    )
    account.update(subscription, "customer.subscription.updated", status="active")
    account.emit_event("customer.subscription.resumed", subscription)
    collect_invoice(account, invoice, card_for_renewal(account, subscription["customer"]))
    return subscription


def list_subscriptions(account: StandInAccount, params: Json) -> Json:
    """Subscriptions; ended ones only where `status` includes them."""
    status = optional_text(params, "status")
    equal = {"customer": params["customer"]} if params.get("customer") else {}
    price = optional_text(params, "price")
    found = [
        row
        for row in account.find_all("subscription", **equal)
        if _matches_status(row["status"], status)
        and (not price or any(item["price"]["id"] == price for item in row["items"]["data"]))
    ]
    return paginate(found, params, "/v1/subscriptions")


def _matches_status(status: str, wanted: str | None) -> bool:
    ended = {"canceled", "incomplete_expired"}
    match wanted:
        case None:
            return status not in ended
        case "all":
            return True
        case "ended":
            return status in ended
        case _:
            return status == wanted


def _first_line(item: Json, subscription: Json) -> DraftLine:
    amount = item["price"]["unit_amount"] * item["quantity"]
    is_trial = subscription["status"] == "trialing"
    return DraftLine(
        item,
        item["price"],
        0 if is_trial else amount,
        item["current_period_start"],
        item["current_period_end"],
        "Trial period" if is_trial else "Subscription",
    )


def _cancellation(account: StandInAccount, subscription: Json, params: Json) -> Json:
    """The changes that an update makes to the cancellation."""
    end = max(item["current_period_end"] for item in subscription["items"]["data"])
    at_end = optional_boolean(params, "cancel_at_period_end")
    if "cancel_at" not in params and not at_end and not subscription["cancel_at_period_end"]:
        # A cancellation by `cancel_at`, as the portal makes it, ignores this flag.
        return {}
    cancel_at = end if at_end else _cancel_time(params, end)
    if cancel_at is not None and cancel_at <= account.now:
        raise invalid_parameter("cancel_at", "`cancel_at` must be in the future.")
    reason = "cancellation_requested" if cancel_at else None
    return {
        "cancel_at": cancel_at,
        "cancel_at_period_end": bool(at_end),
        "canceled_at": (subscription["canceled_at"] or account.now) if cancel_at else None,
        "cancellation_details": {**_cancellation_details(subscription, params), "reason": reason},
    }


def _cancel_time(params: Json, period_ends_at: int) -> int | None:
    value = optional_text(params, "cancel_at")
    if value in {"min_period_end", "max_period_end"}:
        return period_ends_at
    return None if value is None else int(value)


def _cancellation_details(subscription: Json, params: Json) -> Json:
    given = nested_object(params, "cancellation_details")
    changes = {
        name: optional_text(given, name) for name in ("comment", "feedback") if name in given
    }
    return {**subscription["cancellation_details"], **changes}


def _pause_collection(params: Json) -> Json | None:
    pause = nested_object(params, "pause_collection")
    if not pause:
        return None
    resumes_at = optional_text(pause, "resumes_at")
    return {
        "behavior": optional_text(pause, "behavior"),
        "resumes_at": None if resumes_at is None else int(resumes_at),
    }


def _trial_end(account: StandInAccount, params: Json) -> int | None:
    if days := optional_text(params, "trial_period_days"):
        return account.now + int(days) * DAY_SECONDS
    end = optional_text(params, "trial_end")
    return None if end is None else int(end)


def _trial_settings(params: Json) -> Json:
    behavior = nested_object(nested_object(params, "trial_settings"), "end_behavior")
    missing = optional_text(behavior, "missing_payment_method") or "create_invoice"
    return {"end_behavior": {"missing_payment_method": missing}}
