"""The dashboard page: the clock, pending payments, refunds, disputes and subscriptions."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.checkout import settle_session
from paywall.sandbox.stripe.currencies import round_amount
from paywall.sandbox.stripe.disputes import (
    CLOSED_STATUSES,
    close_dispute,
    escalate_inquiry,
    open_dispute,
)
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.refunds import create_refund, fail_refund
from paywall.sandbox.stripe.rendering import FormButton, format_money, format_time, render_page
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.sandbox.stripe.subscriptions import set_quantity

ROWS_MAX = 20
QUANTITIES = (1, 2, 3)
SECONDS = re.compile(r"[1-9][0-9]{0,8}")
CLOCK_BUTTONS = [
    FormButton(f"Advance {text}", {"verb": "advance", "seconds": str(seconds)})
    for text, seconds in (
        ("1 hour", 3600),
        ("1 day", 86_400),
        ("1 week", 7 * 86_400),
        ("31 days", 31 * 86_400),
    )
]


class ObjectRow(NamedTuple):
    """A payment or subscription on the dashboard, and the buttons beside it."""

    title: str
    buttons: list[FormButton]


def show_dashboard(runner: StandInRunner, error: str = "") -> Response[str]:
    """The clock, pending payments, payments and subscriptions, with what can be done to each."""
    account = runner.stand_in.account
    pending = account.find_all("checkout.session", status="complete", payment_status="unpaid")
    charges = list(account.find_all("charge", paid=True))[::-1]
    running = [one for one in account.find_all("subscription") if not one["ended_at"]][::-1]
    return render_page(
        "dashboard.html",
        "Dashboard",
        status=400 if error else 200,
        error=error,
        now=format_time(account.now),
        undelivered=len(account.undelivered),
        webhook_url=runner.webhook_url,
        clock_buttons=CLOCK_BUTTONS,
        pending=[_pending(session) for session in islice(pending, ROWS_MAX)],
        paid=[_paid(account, charge) for charge in charges[:ROWS_MAX]],
        subscriptions=[_running(account, one) for one in running[:ROWS_MAX]],
    )


def use_dashboard(runner: StandInRunner, params: Json) -> Response[str] | Redirect:
    """Carry out the button that was pressed, and show the page again."""
    verb, object_id = str(params.get("verb")), str(params.get("id"))
    try:
        if verb == "advance":
            runner.advance(parse_seconds(params))
        else:
            ACTIONS.get(verb, _no_such_button)(runner.stand_in.account, object_id)
    except ApiError as refusal:
        return show_dashboard(runner, str(refusal))
    return Redirect("/", status_code=303)


def parse_seconds(params: Json) -> int:
    """How far to move the clock: forward only, at most about 31 years at once."""
    seconds = str(params.get("seconds", ""))
    if not SECONDS.fullmatch(seconds):
        raise ApiError("Send seconds: a whole number from 1 to 999999999.", param="seconds")
    return int(seconds)


def _refund_half(account: StandInAccount, charge_id: str) -> Json:
    charge = account.find("charge", charge_id)
    half = round_amount(charge["amount"] / 2, charge["currency"])
    return create_refund(account, {"charge": charge_id, "amount": str(half)})


def _no_such_button(_account: StandInAccount, _thing_id: str) -> Json:
    raise ApiError("The dashboard has no such button.")


ACTIONS: dict[str, Callable[[StandInAccount, str], Json]] = {
    "settle": partial(settle_session, paid=True),
    "bounce": partial(settle_session, paid=False),
    "refund": lambda account, charge_id: create_refund(account, {"charge": charge_id}),
    "refund_half": _refund_half,
    "fail_refund": fail_refund,
    "dispute": open_dispute,
    "inquire": partial(open_dispute, inquiry=True),
    "escalate": escalate_inquiry,
    "win": partial(close_dispute, won=True),
    "lose": partial(close_dispute, won=False),
    **{f"quantity_{count}": partial(set_quantity, quantity=count) for count in QUANTITIES},
}


def _button(text: str, verb: str, object_id: str) -> FormButton:
    return FormButton(text, {"verb": verb, "id": object_id})


def _pending(session: Json) -> ObjectRow:
    amount = format_money(session["amount_total"], session["currency"])
    return ObjectRow(
        f"{amount}, {session['id']}",
        [
            _button("The payment succeeds", "settle", session["id"]),
            _button("The payment fails", "bounce", session["id"]),
        ],
    )


def _paid(account: StandInAccount, charge: Json) -> ObjectRow:
    amount = format_money(charge["amount"], charge["currency"])
    refunded = charge["amount_refunded"]
    suffix = f", {format_money(refunded, charge['currency'])} refunded" if refunded else ""
    return ObjectRow(
        f"{amount}{suffix}, {format_time(charge['created'])}",
        [*_refund_buttons(account, charge), *_dispute_buttons(account, charge)],
    )


def _running(account: StandInAccount, subscription: Json) -> ObjectRow:
    (item, *_) = subscription["items"]["data"]
    name = account.find("product", item["price"]["product"])["name"]
    return ObjectRow(
        f"{item['quantity']} × {name}, {subscription['id']}",
        [
            _button(f"Set the quantity to {count}", f"quantity_{count}", subscription["id"])
            for count in QUANTITIES
            if count != item["quantity"]
        ],
    )


def _refund_buttons(account: StandInAccount, charge: Json) -> Iterator[FormButton]:
    refunded = charge["amount_refunded"]
    if refunded < charge["amount"]:
        yield _button("Refund the rest", "refund", charge["id"])
    if not refunded:
        yield _button("Refund half", "refund_half", charge["id"])
    for refund in account.find_all("refund", charge=charge["id"], status="succeeded"):
        amount = format_money(refund["amount"], refund["currency"])
        yield _button(f"The refund of {amount} fails", "fail_refund", refund["id"])


def _dispute_buttons(account: StandInAccount, charge: Json) -> list[FormButton]:
    disputes = list(account.find_all("dispute", charge=charge["id"]))
    if not disputes:
        return [
            _button("Open a dispute", "dispute", charge["id"]),
            _button("Open an inquiry", "inquire", charge["id"]),
        ]
    dispute = disputes[-1]
    if dispute["status"] in CLOSED_STATUSES:
        return []
    if dispute["status"].startswith("warning_"):
        return [
            _button("Escalate the inquiry to a dispute", "escalate", dispute["id"]),
            _button("Close the inquiry", "win", dispute["id"]),
        ]
    return [
        _button("The dispute is won", "win", dispute["id"]),
        _button("The dispute is lost", "lose", dispute["id"]),
    ]
