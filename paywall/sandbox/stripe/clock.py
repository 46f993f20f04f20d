"""What happens as the clock moves: sessions expire, periods end, invoices are charged."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import collect_invoice, end_subscription
from paywall.sandbox.stripe.checkout import expire_open_session
from paywall.sandbox.stripe.customers import Card, card_for_renewal
from paywall.sandbox.stripe.invoices import DraftLine, draft_invoice, finalize_invoice
from paywall.sandbox.stripe.objects import Json, copy_object
from paywall.sandbox.stripe.periods import DAY_SECONDS, period_around
from paywall.sandbox.stripe.proration import take_pending_lines

RENEWING_STATUSES = frozenset({"active", "trialing", "past_due", "unpaid"})
TRIAL_WARNING_SECONDS = 3 * DAY_SECONDS


class ScheduledAction(NamedTuple):
    """Something that is due at a time; of several at the same time the lowest order runs first."""

    at: int
    order: int
    object_id: str
    run: Callable[[StandInAccount, Json], None]
    obj: Json


def advance_clock(account: StandInAccount, until: int) -> None:
    """Move the account's clock to this Unix second, and run in order what is due by then."""
    while due := min(_actions_due(account, until), key=lambda due: due[:3], default=None):
        account.now = max(account.now, due.at)
        due.run(account, due.obj)
    account.now = max(account.now, until)


def _actions_due(account: StandInAccount, until: int) -> Iterator[ScheduledAction]:
    for due in _scheduled_actions(account):
        if due.at <= until:
            yield due


def _scheduled_actions(account: StandInAccount) -> Iterator[ScheduledAction]:
    for session in account.find_all("checkout.session", status="open"):
        yield ScheduledAction(session["expires_at"], 0, session["id"], expire_open_session, session)
    for invoice in account.find_all("invoice"):
        if invoice["status"] == "draft" and invoice["automatically_finalizes_at"]:
            yield ScheduledAction(
                invoice["automatically_finalizes_at"], 1, invoice["id"], _charge_draft, invoice
            )
        elif invoice["status"] == "open" and invoice["next_payment_attempt"]:
            yield ScheduledAction(
                invoice["next_payment_attempt"], 1, invoice["id"], _retry_payment, invoice
            )
    for subscription in account.find_all("subscription"):
        if subscription["status"] in RENEWING_STATUSES:
            yield from _subscription_actions(account, subscription)


def _subscription_actions(account: StandInAccount, subscription: Json) -> Iterator[ScheduledAction]:
    object_id = subscription["id"]
    if subscription["cancel_at"]:
        yield ScheduledAction(
            subscription["cancel_at"], 2, object_id, _end_at_cancel_date, subscription
        )
    pause = subscription["pause_collection"]
    if pause and pause["resumes_at"]:
        yield ScheduledAction(pause["resumes_at"], 3, object_id, _resume_collection, subscription)
    if subscription["status"] == "trialing" and not account.hidden_fields(object_id).get(
        "is_trial_end_announced"
    ):
        warn_at = subscription["trial_end"] - TRIAL_WARNING_SECONDS
        yield ScheduledAction(warn_at, 4, object_id, _announce_trial_end, subscription)
    ends_at = min(item["current_period_end"] for item in subscription["items"]["data"])
    yield ScheduledAction(ends_at, 5, object_id, _end_period, subscription)


def _charge_draft(account: StandInAccount, invoice: Json) -> None:
    finalize_invoice(account, invoice)
    collect_invoice(account, invoice, card_for_renewal(account, invoice["customer"]))


def _retry_payment(account: StandInAccount, invoice: Json) -> None:
    collect_invoice(account, invoice, card_for_renewal(account, invoice["customer"]))


def _end_at_cancel_date(account: StandInAccount, subscription: Json) -> None:
    end_subscription(account, subscription, subscription["cancellation_details"]["reason"])


def _resume_collection(account: StandInAccount, subscription: Json) -> None:
    account.update(subscription, "customer.subscription.updated", pause_collection=None)


def _announce_trial_end(account: StandInAccount, subscription: Json) -> None:
    account.hidden_fields(subscription["id"])["is_trial_end_announced"] = True
    account.emit_event("customer.subscription.trial_will_end", subscription)


def _end_period(account: StandInAccount, subscription: Json) -> None:
    ends_trial = subscription["status"] == "trialing"
    if ends_trial and card_for_renewal(account, subscription["customer"]) is Card.NONE:
        missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if missing == "cancel":
            end_subscription(account, subscription, None)
            return
        if missing == "pause":
            account.update(subscription, "customer.subscription.paused", status="paused")
            return
    _renew(account, subscription)


def _renew(account: StandInAccount, subscription: Json) -> None:
    before: Json = {"items": copy_object(subscription["items"]), "status": subscription["status"]}
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    renewed = [
        item for item in subscription["items"]["data"] if item["current_period_end"] <= account.now
    ]
    lines = [
        *take_pending_lines(account, subscription),
        *(_start_period(subscription, item) for item in renewed),
    ]
    invoice = draft_invoice(account, subscription, "subscription_cycle", lines)
    account.emit_event("customer.subscription.updated", subscription, before)
    if subscription["status"] == "unpaid":
        invoice.update(auto_advance=False, automatically_finalizes_at=None)
    elif pause := subscription["pause_collection"]:
        _skip_collection(account, invoice, pause["behavior"])


def _skip_collection(account: StandInAccount, invoice: Json, behavior: str) -> None:
    """Collection is paused: keep the invoice as a draft, void it or mark it uncollectible."""
    if behavior == "keep_as_draft":
        account.update(
            invoice, "invoice.updated", auto_advance=False, automatically_finalizes_at=None
        )
        return
    invoice["auto_advance"] = False
    finalize_invoice(account, invoice)
    status, event_type, time_field = {
        "void": ("void", "invoice.voided", "voided_at"),
        "mark_uncollectible": (
            "uncollectible",
            "invoice.marked_uncollectible",
            "marked_uncollectible_at",
        ),
    }[behavior]
    transitions = {**invoice["status_transitions"], time_field: account.now}
    account.update(invoice, event_type, status=status, status_transitions=transitions)


def _start_period(subscription: Json, item: Json) -> DraftLine:
    """Start the item's next period."""
    line = next_period_line(subscription, item)
    item["current_period_start"], item["current_period_end"] = line.starts_at, line.ends_at
    return line


def next_period_line(subscription: Json, item: Json) -> DraftLine:
    """The charge for the item's next period; a set end date cuts it short, and its price."""
    start = item["current_period_end"]
    anchor = subscription["billing_cycle_anchor"]
    whole_start, whole_end = period_around(item["price"], anchor, start)
    end = min(whole_end, subscription["cancel_at"] or whole_end)
    whole_amount = item["price"]["unit_amount"] * item["quantity"]
    amount = round(whole_amount * (end - start) / (whole_end - whole_start))
    return DraftLine(item, item["price"], amount, start, end, "Subscription")
