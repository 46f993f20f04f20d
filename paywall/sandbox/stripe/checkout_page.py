"""The Checkout page: pay by card, pay by bank transfer, or leave."""

from enum import StrEnum

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.checkout import pay_session
from paywall.sandbox.stripe.customers import Card
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.invoices import discount_amount
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.rendering import (
    format_interval,
    format_money,
    format_time,
    render_page,
)


class PaymentChoice(StrEnum):
    """A way to pay, with its label on the page."""

    PAYS = "A card that pays"
    DECLINES = "A card that is declined"
    PAYS_ONCE = "A card that pays now, and is declined from then on"
    LATER = "A bank transfer, which is settled later (on the dashboard)"


def show_checkout(account: StandInAccount, session_id: str, error: str = "") -> Response[str]:
    """What is sold, what it costs, and the ways to pay."""
    session = account.find("checkout.session", session_id)
    if session["status"] != "open":
        return render_page("closed.html", "Nothing to pay", session_status=session["status"])
    return render_page(
        "checkout.html",
        "Checkout",
        status=402 if error else 200,
        error=error,
        rows=_rows(account, session),
        total=format_money(session["amount_total"], session["currency"]),
        charges=_charges(account, session),
        choices=list(PaymentChoice),
        takes_codes=session["allow_promotion_codes"],
        action=_action(session),
        cancel_url=session["cancel_url"],
    )


def pay_checkout(
    account: StandInAccount, session_id: str, params: Json
) -> Response[str] | Redirect:
    """Pay as chosen and redirect to the site, or show the page again with the error."""
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


def _rows(account: StandInAccount, session: Json) -> list[dict[str, str]]:
    """The lines of the table above the total, with the discount if there is one."""
    amounts = [
        (_title(account, price, quantity), price["unit_amount"] * quantity)
        for price, quantity in account.hidden_fields(session["id"])["lines"]
    ]
    if discount := session["amount_total"] - session["amount_subtotal"]:
        amounts.append(("Discount", discount))
    return [
        {"title": title, "amount": format_money(amount, session["currency"])}
        for title, amount in amounts
    ]


def _charges(account: StandInAccount, session: Json) -> str:
    """What a subscription charges now and later; empty for a one-time payment."""
    if session["mode"] == "payment":
        return ""
    note, currency = account.hidden_fields(session["id"]), session["currency"]
    whole = sum(price["unit_amount"] * quantity for price, quantity in note["lines"])
    is_trial = not session["amount_subtotal"] and whole > 0
    coupon = account.find("coupon", note["coupon"]) if note["coupon"] else None
    interval = format_interval(note["lines"][0][0]["recurring"])
    now = f"{format_money(session['amount_total'], currency)} now"
    if is_trial:
        now = _trial(note["subscription_data"])
    then = f"{format_money(whole, currency)} {interval}"
    if coupon and (is_trial or coupon["duration"] != "once"):
        reduced = format_money(whole - discount_amount(coupon, whole, currency), currency)
        payments = {"once": 1, "repeating": coupon["duration_in_months"]}.get(coupon["duration"])
        # The coupon's first payment is the one that is made now, unless there is a trial.
        remaining = None if payments is None else payments - (0 if is_trial else 1)
        then = _discounted(f"{reduced} {interval}", remaining, then)
    return f"{now}, then {then} until you cancel."


def _discounted(reduced: str, payments: int | None, then: str) -> str:
    """`payments` is how many are still discounted; None means all."""
    if payments is None:
        return reduced
    times = "once" if payments == 1 else f"{payments} times"
    return f"{reduced} {times}, then {then}" if payments else then


def _trial(data: Json) -> str:
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
