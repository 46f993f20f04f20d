"""What the clock does: sessions expire, periods end, invoices are charged and tried again."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.billing import collect, end_subscription
from paywall.sandbox.stripe.checkout import expire
from paywall.sandbox.stripe.customers import Card, card_of
from paywall.sandbox.stripe.invoices import Line, draft, finalise
from paywall.sandbox.stripe.periods import DAY_SECONDS, period_end
from paywall.sandbox.stripe.shapes import Json, copy_of
from paywall.sandbox.stripe.switching import pending_lines

RUNNING = frozenset({"active", "trialing", "past_due", "unpaid"})
TRIAL_WARNING_SECONDS = 3 * DAY_SECONDS


class Due(NamedTuple):
    """Something that happens by itself at a moment; at the same one, the lower order first."""

    at: int
    order: int
    thing_id: str
    happen: Callable[[Account, Json], None]
    thing: Json


def pass_time(account: Account, until: int) -> None:
    """Move the account's clock to this Unix second, and let happen what is due by then."""
    while due := min(_agenda(account, until), key=lambda due: due[:3], default=None):
        account.now = max(account.now, due.at)
        due.happen(account, due.thing)
    account.now = max(account.now, until)


def _agenda(account: Account, until: int) -> Iterator[Due]:
    for due in _all_due(account):
        if due.at <= until:
            yield due


def _all_due(account: Account) -> Iterator[Due]:
    for session in account.all("checkout.session", status="open"):
        yield Due(session["expires_at"], 0, session["id"], expire, session)
    for invoice in account.all("invoice"):
        if invoice["status"] == "draft" and invoice["automatically_finalizes_at"]:
            yield Due(invoice["automatically_finalizes_at"], 1, invoice["id"], _charge, invoice)
        elif invoice["status"] == "open" and invoice["next_payment_attempt"]:
            yield Due(invoice["next_payment_attempt"], 1, invoice["id"], _retry, invoice)
    for subscription in account.all("subscription"):
        if subscription["status"] in RUNNING:
            yield from _due_of_subscription(account, subscription)


def _due_of_subscription(account: Account, subscription: Json) -> Iterator[Due]:
    thing_id = subscription["id"]
    if subscription["cancel_at"]:
        yield Due(subscription["cancel_at"], 2, thing_id, _end, subscription)
    pause = subscription["pause_collection"]
    if pause and pause["resumes_at"]:
        yield Due(pause["resumes_at"], 3, thing_id, _collect_again, subscription)
    if subscription["status"] == "trialing" and not account.note(thing_id).get("is_warned"):
        warn_at = subscription["trial_end"] - TRIAL_WARNING_SECONDS
        yield Due(warn_at, 4, thing_id, _warn, subscription)
    ends_at = min(item["current_period_end"] for item in subscription["items"]["data"])
    yield Due(ends_at, 5, thing_id, _end_period, subscription)


def _charge(account: Account, invoice: Json) -> None:
    finalise(account, invoice)
    collect(account, invoice, card_of(account, invoice["customer"]))


def _retry(account: Account, invoice: Json) -> None:
    collect(account, invoice, card_of(account, invoice["customer"]))


def _end(account: Account, subscription: Json) -> None:
    end_subscription(account, subscription, subscription["cancellation_details"]["reason"])


def _collect_again(account: Account, subscription: Json) -> None:
    account.change(subscription, "customer.subscription.updated", pause_collection=None)


def _warn(account: Account, subscription: Json) -> None:
    account.note(subscription["id"])["is_warned"] = True
    account.tell("customer.subscription.trial_will_end", subscription)


def _end_period(account: Account, subscription: Json) -> None:
    ends_trial = subscription["status"] == "trialing"
    if ends_trial and card_of(account, subscription["customer"]) is Card.NONE:
        missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if missing == "cancel":
            end_subscription(account, subscription, None)
            return
        if missing == "pause":
            account.change(subscription, "customer.subscription.paused", status="paused")
            return
    _renew(account, subscription)


def _renew(account: Account, subscription: Json) -> None:
    before: Json = {"items": copy_of(subscription["items"]), "status": subscription["status"]}
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    renewed = [
        item for item in subscription["items"]["data"] if item["current_period_end"] <= account.now
    ]
    for item in renewed:
        start = item["current_period_end"]
        item["current_period_start"] = start
        anchor = subscription["billing_cycle_anchor"]
        item["current_period_end"] = period_end(item["price"], anchor, start)
    lines = [*pending_lines(account, subscription), *(_line(item) for item in renewed)]
    invoice = draft(account, subscription, "subscription_cycle", lines)
    account.tell("customer.subscription.updated", subscription, before)
    if subscription["status"] == "unpaid":
        invoice.update(auto_advance=False, automatically_finalizes_at=None)
    elif pause := subscription["pause_collection"]:
        _set_aside(account, invoice, pause["behavior"])


def _set_aside(account: Account, invoice: Json, behavior: str) -> None:
    """While collection is paused nothing is charged: kept as a draft, void, or given up."""
    if behavior == "keep_as_draft":
        account.change(
            invoice, "invoice.updated", auto_advance=False, automatically_finalizes_at=None
        )
        return
    invoice["auto_advance"] = False
    finalise(account, invoice)
    status, told_as, moment = {
        "void": ("void", "invoice.voided", "voided_at"),
        "mark_uncollectible": (
            "uncollectible",
            "invoice.marked_uncollectible",
            "marked_uncollectible_at",
        ),
    }[behavior]
    transitions = {**invoice["status_transitions"], moment: account.now}
    account.change(invoice, told_as, status=status, status_transitions=transitions)


def _line(item: Json) -> Line:
    amount = item["price"]["unit_amount"] * item["quantity"]
    start, end = item["current_period_start"], item["current_period_end"]
    return Line(item, item["price"], amount, start, end, "Subscription")
