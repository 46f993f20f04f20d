"""The page on which a payer pays, pays later, is declined, or leaves."""

from enum import StrEnum
from html import escape

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.checkout import pay_session
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.invoices import discount_amount
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.rendering import (
    alert,
    format_interval,
    format_money,
    format_time,
    link,
    render_page,
)


class PaymentChoice(StrEnum):
    """How a person chooses to pay, and what is said of it."""

    PAYS = "A card that pays"
    DECLINES = "A card that is declined"
    PAYS_ONCE = "A card that pays now, and is declined from then on"
    LATER = "A bank transfer, of which the bank tells later (on the bank's desk)"


def show_checkout(account: StandInAccount, session_id: str, wrong: str = "") -> Response[str]:
    """What is sold, what it costs, and the ways to pay."""
    session = account.find("checkout.session", session_id)
    if session["status"] != "open":
        return render_page(
            "Nothing to pay here", f"<p>This page is {escape(session['status'])}.</p>"
        )
    body = f"""{alert(wrong)}
{_sold(account, session)}
{_charges(account, session)}
<form method="post">
<fieldset><legend>Pay with</legend>{_ways()}</fieldset>
{_code_field() if session["allow_promotion_codes"] else ""}
<button>{_action(session)}</button>
</form>
{link(session["cancel_url"], "Leave without paying")}"""
    return render_page("Checkout", body, status=402 if wrong else 200)


def pay_checkout(
    account: StandInAccount, session_id: str, params: Json
) -> Response[str] | Redirect:
    """Pay as chosen, and go back to the site; or show the page again, with what went wrong."""
    name = str(params.get("way", PaymentChoice.PAYS.name))
    way = PaymentChoice[name] if name in PaymentChoice.__members__ else PaymentChoice.PAYS
    card = Card.PAYS if way is PaymentChoice.LATER else Card[way.name]
    code = str(params.get("code", "")).strip() or None
    try:
        session = pay_session(
            account, session_id, card, later=way is PaymentChoice.LATER, code=code
        )
    except ApiError as refusal:
        return show_checkout(account, session_id, str(refusal))
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
    return Redirect(back, status_code=303)


def _sold(account: StandInAccount, session: Json) -> str:
    rows = [
        (_title(account, price, quantity), price["unit_amount"] * quantity)
        for price, quantity in account.hidden_fields(session["id"])["lines"]
    ]
    total = session["amount_total"]
    if session["amount_subtotal"] != total:
        rows.append(("Discount", total - session["amount_subtotal"]))
    lines = "".join(
        f"<tr><td>{escape(title)}</td><td>{format_money(amount, session['currency'])}</td></tr>"
        for title, amount in rows
    )
    return (
        f'<table>{lines}<tr class="total"><td>To pay today</td>'
        f"<td>{format_money(total, session['currency'])}</td></tr></table>"
    )


def _charges(account: StandInAccount, session: Json) -> str:
    """What a subscription takes now, and from then on."""
    if session["mode"] == "payment":
        return ""
    note, currency = account.hidden_fields(session["id"]), session["currency"]
    whole = sum(price["unit_amount"] * quantity for price, quantity in note["lines"])
    is_trial = not session["amount_subtotal"] and whole > 0
    coupon = account.find("coupon", note["coupon"]) if note["coupon"] else None
    often = format_interval(note["lines"][0][0]["recurring"])
    now = f"{format_money(session['amount_total'], currency)} now"
    if is_trial:
        now = _free(note["subscription_data"])
    then = f"{format_money(whole, currency)} {often}"
    if coupon and (is_trial or coupon["duration"] != "once"):
        less = format_money(whole - discount_amount(coupon, whole), currency)
        payments = {"once": 1, "repeating": coupon["duration_in_months"]}.get(coupon["duration"])
        # A payment of now is the first of those that the coupon makes cheaper.
        left = None if payments is None else payments - (0 if is_trial else 1)
        then = _cheaper(f"{less} {often}", left, then)
    return f"<p><strong>{now}, then {then} until you cancel.</strong></p>"


def _cheaper(less: str, payments: int | None, then: str) -> str:
    if payments is None:
        return less
    times = "once" if payments == 1 else f"{payments} times"
    return f"{less} {times}, then {then}" if payments else then


def _free(data: Json) -> str:
    if days := data.get("trial_period_days"):
        return f"{days} day{'' if int(days) == 1 else 's'} free"
    return f"Free until {format_time(int(data['trial_end']))}"


def _title(account: StandInAccount, price: Json, quantity: int) -> str:
    title = account.find("product", price["product"])["name"]
    if recurring := price["recurring"]:
        title = f"{title}, {format_interval(recurring)}"
    return title if quantity == 1 else f"{quantity} × {title}"


def _action(session: Json) -> str:
    if session["mode"] == "payment":
        return f"Pay {format_money(session['amount_total'], session['currency'])}"
    return "Subscribe"


def _ways() -> str:
    return "".join(
        f'<label><input type="radio" name="way" value="{way.name}"'
        f"{' checked' if way is PaymentChoice.PAYS else ''}> {way}</label>"
        for way in PaymentChoice
    )


def _code_field() -> str:
    return (
        '<label>Promotion code <input type="text" name="code" autocomplete="off" maxlength="100">'
        "<small>FREE takes everything off, HALF the half.</small></label>"
    )
