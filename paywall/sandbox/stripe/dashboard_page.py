"""The bank's desk: the clock, payments that wait, refunds and disputes."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from html import escape

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.checkout import settle_session
from paywall.sandbox.stripe.disputes import (
    CLOSED_STATUSES,
    close_dispute,
    escalate_inquiry,
    open_dispute,
)
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.refunds import create_refund, fail_refund
from paywall.sandbox.stripe.rendering import alert, button, format_money, format_time, render_page
from paywall.sandbox.stripe.runner import StandInRunner

ROWS_MAX = 20
SECONDS = re.compile(r"[1-9][0-9]{0,8}")
STEPS = (("An hour", 3600), ("A day", 86_400), ("A week", 7 * 86_400), ("31 days", 31 * 86_400))


def show_dashboard(running: StandInRunner, wrong: str = "") -> Response[str]:
    """Everything that the payer's bank and the clock can do."""
    account = running.stand_in.account
    clock = "".join(
        button("/", f"{words} on", verb="advance", seconds=str(seconds)) for words, seconds in STEPS
    )
    body = f"""{alert(wrong)}
<p>It is <strong>{format_time(account.now)}</strong> here. {len(account.undelivered)}
events wait to be
delivered{f" to <code>{escape(running.webhook_url)}</code>" if running.webhook_url else ""}.</p>
<div class="row">{clock}</div>
<h2>Payments that wait for the bank</h2>
{_all(_waiting(session) for session in _waiting_sessions(account))}
<h2>Payments</h2>
{_all(_paid(account, charge) for charge in list(account.find_all("charge", paid=True))[::-1])}"""
    return render_page("The bank's desk", body, status=400 if wrong else 200)


def use_dashboard(running: StandInRunner, params: Json) -> Response[str] | Redirect:
    """Do what a button of the page says, and show the page again."""
    verb, object_id = str(params.get("verb")), str(params.get("id"))
    try:
        if verb == "advance":
            running.advance(parse_seconds(params))
        else:
            ACTIONS.get(verb, _no_such_button)(running.stand_in.account, object_id)
    except ApiError as refusal:
        return show_dashboard(running, str(refusal))
    return Redirect("/", status_code=303)


def parse_seconds(params: Json) -> int:
    """How far the clock is to move: forward only, some thirty years at most at once."""
    seconds = str(params.get("seconds", ""))
    if not SECONDS.fullmatch(seconds):
        raise ApiError("Send seconds: a whole number from 1 to 999999999.", param="seconds")
    return int(seconds)


def _refund_half(account: StandInAccount, charge_id: str) -> Json:
    half = account.find("charge", charge_id)["amount"] // 2
    return create_refund(account, {"charge": charge_id, "amount": str(half)})


def _no_such_button(_account: StandInAccount, _thing_id: str) -> Json:
    raise ApiError("The desk has no such button.")


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
}


def _waiting_sessions(account: StandInAccount) -> list[Json]:
    return list(account.find_all("checkout.session", status="complete", payment_status="unpaid"))


def _waiting(session: Json) -> str:
    amount = format_money(session["amount_total"], session["currency"])
    return _section(
        f"{amount}, {session['id']}",
        button("/", "The money comes", verb="settle", id=session["id"]),
        button("/", "It does not", verb="bounce", id=session["id"]),
    )


def _paid(account: StandInAccount, charge: Json) -> str:
    amount = format_money(charge["amount"], charge["currency"])
    refunded = charge["amount_refunded"]
    back = f", {format_money(refunded, charge['currency'])} refunded" if refunded else ""
    buttons = []
    if refunded < charge["amount"]:
        buttons.append(button("/", "Refund what is left", verb="refund", id=charge["id"]))
        if not refunded:
            buttons.append(button("/", "Refund half", verb="refund_half", id=charge["id"]))
    for refund in account.find_all("refund", charge=charge["id"], status="succeeded"):
        what = format_money(refund["amount"], refund["currency"])
        buttons.append(
            button("/", f"The refund of {what} fails", verb="fail_refund", id=refund["id"])
        )
    buttons += _dispute_buttons(account, charge)
    return _section(f"{amount}{back}, {format_time(charge['created'])}", *buttons)


def _dispute_buttons(account: StandInAccount, charge: Json) -> list[str]:
    disputes = list(account.find_all("dispute", charge=charge["id"]))
    if not disputes:
        return [
            button("/", "The payer disputes it", verb="dispute", id=charge["id"]),
            button("/", "The bank inquires", verb="inquire", id=charge["id"]),
        ]
    dispute = disputes[-1]
    if dispute["status"] in CLOSED_STATUSES:
        return []
    object_id = dispute["id"]
    if dispute["status"].startswith("warning_"):
        return [
            button("/", "The inquiry becomes a dispute", verb="escalate", id=object_id),
            button("/", "The inquiry ends", verb="win", id=object_id),
        ]
    return [
        button("/", "The dispute is won", verb="win", id=object_id),
        button("/", "The dispute is lost", verb="lose", id=object_id),
    ]


def _section(title: str, *buttons: str) -> str:
    return f'<section><h3>{escape(title)}</h3><div class="row">{"".join(buttons)}</div></section>'


def _all(sections: Iterable[str]) -> str:
    return "".join(list(sections)[:ROWS_MAX]) or "<p>None.</p>"
