"""Subscription schedules that end a subscription on a date.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.forms import optional_boolean
from paywall.sandbox.stripe.objects import Json

CANCELLATION_PARAMS = frozenset({"cancel_at", "cancel_at_period_end"})


def schedule_end(account: StandInAccount, subscription_id: str, ends_at: int) -> Json:
    """Set the end of a subscription, as the dashboard does with a schedule of one phase."""
    subscription = account.find("subscription", subscription_id)
    schedule = account.create(
        "subscription_schedule",
        customer=subscription["customer"],
        end_behavior="cancel",
        status="active",
        subscription=subscription_id,
    )
    account.emit_event("subscription_schedule.created", schedule)
    account.update(
        subscription,
        "customer.subscription.updated",
        cancel_at=ends_at,
        cancel_at_period_end=False,
        schedule=schedule["id"],
    )
    return schedule


def release_schedule(account: StandInAccount, params: Json, schedule_id: str) -> Json:
    """Let go of the subscription, whose end is removed unless `preserve_cancel_date`."""
    schedule = account.find("subscription_schedule", schedule_id)
    if schedule["status"] != "active":
        raise ApiError(
            "You cannot release a subscription schedule that is currently in the"
            f" `{schedule['status']}` status."
        )
    subscription = account.find("subscription", schedule["subscription"])
    account.update(
        schedule,
        "subscription_schedule.released",
        released_at=account.now,
        released_subscription=subscription["id"],
        status="released",
        subscription=None,
    )
    kept = subscription["cancel_at"] if optional_boolean(params, "preserve_cancel_date") else None
    account.update(subscription, "customer.subscription.updated", cancel_at=kept, schedule=None)
    return schedule


def refuse_scheduled(subscription: Json, params: Json) -> None:
    """Raises ApiError for a change of an end that a schedule decides about."""
    if subscription["schedule"] and CANCELLATION_PARAMS & params.keys():
        raise ApiError(
            "The subscription is managed by the subscription schedule"
            f" `{subscription['schedule']}`, and updating any cancelation behavior directly is not"
            " allowed. Please update the schedule instead."
        )
