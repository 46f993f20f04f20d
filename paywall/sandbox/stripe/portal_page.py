"""The billing portal page: cancel, resume, switch the price, change the card."""

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.customers import Card, card_for_renewal
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.invoices import discount_of
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.portal import change_card, portal_cancel, portal_resume, portal_switch
from paywall.sandbox.stripe.rendering import (
    FormButton,
    format_interval,
    format_money,
    format_time,
    render_page,
)

# Statuses of a subscription without an unpaid invoice.
PAID_STATUSES = frozenset({"active", "trialing"})


def show_portal(account: StandInAccount, portal_id: str, error: str = "") -> Response[str]:
    """The customer's subscriptions, what can be done with each, and the way back."""
    session = account.find("billing_portal.session", portal_id)
    customer_id = session["customer"]
    return render_page(
        "portal.html",
        "Your subscriptions",
        status=400 if error else 200,
        error=error,
        here=f"/portal/{portal_id}",
        subscriptions=[
            _describe(account, subscription)
            for subscription in account.find_all("subscription", customer=customer_id)
        ],
        card=_card(account, customer_id),
        return_url=session["return_url"],
    )


def use_portal(account: StandInAccount, portal_id: str, params: Json) -> Response[str] | Redirect:
    """Carry out the button that was pressed, and show the page again."""
    customer_id = account.find("billing_portal.session", portal_id)["customer"]
    try:
        if params.get("verb") == "card":
            change_card(account, customer_id, Card(str(params.get("card"))))
        else:
            _change(account, customer_id, params)
    except (ApiError, ValueError) as error:
        return show_portal(account, portal_id, str(error))
    return Redirect(f"/portal/{portal_id}", status_code=303)


def _change(account: StandInAccount, customer_id: str, params: Json) -> None:
    subscription = account.find("subscription", str(params.get("subscription")))
    if subscription["customer"] != customer_id:
        raise ApiError("This subscription is another customer's.")
    match params.get("verb"):
        case "cancel":
            portal_cancel(account, subscription["id"])
        case "resume":
            portal_resume(account, subscription["id"])
        case "switch":
            portal_switch(account, subscription["id"], str(params.get("price")))
        case verb:
            raise ApiError(f"The portal has no button {verb}.")


def _describe(account: StandInAccount, subscription: Json) -> dict[str, object]:
    (item, *_) = subscription["items"]["data"]
    return {
        "title": _price_title(account, item["price"]),
        "state": _state(account, subscription, item),
        "buttons": _buttons(account, subscription, item),
    }


def _state(account: StandInAccount, subscription: Json, item: Json) -> str:
    """The subscription's state in words, and what is charged next and when."""
    if subscription["ended_at"]:
        return f"It ended on {format_time(subscription['ended_at'])}. Nothing more is charged."
    if subscription["status"] not in PAID_STATUSES:
        return f"{_owed(account, subscription)}{_end_date(subscription)}"
    trial = "It is a free trial. " if subscription["status"] == "trialing" else ""
    if subscription["cancel_at"]:
        return f"{trial}It is cancelled.{_end_date(subscription)}"
    amount = format_money(_next_amount(account, subscription, item), subscription["currency"])
    when = format_time(item["current_period_end"])
    return f"{trial}The next payment is {amount}, on {when}. It goes on until you cancel."


def _end_date(subscription: Json) -> str:
    if not subscription["cancel_at"]:
        return ""
    return f" It ends on {format_time(subscription['cancel_at'])}, and does not renew."


def _owed(account: StandInAccount, subscription: Json) -> str:
    """The unpaid amount, and when the next attempt is."""
    status = subscription["status"].replace("_", " ")
    invoice = account.find("invoice", subscription["latest_invoice"])
    if invoice["status"] != "open":
        return f"It is {status}."
    owed = format_money(invoice["amount_due"], invoice["currency"])
    again = invoice["next_payment_attempt"]
    retry = f"is tried again on {format_time(again)}" if again else "is not tried again"
    return f"It is {status}: a payment of {owed} did not go through, and {retry}."


def _next_amount(account: StandInAccount, subscription: Json, item: Json) -> int:
    whole = int(item["price"]["unit_amount"] * item["quantity"])
    return whole - discount_of(account, subscription, whole)


def _buttons(account: StandInAccount, subscription: Json, item: Json) -> list[FormButton]:
    if subscription["ended_at"]:
        return []
    fields = {"subscription": subscription["id"]}
    if subscription["cancel_at"]:
        first = FormButton("Do not cancel", {"verb": "resume", **fields})
    else:
        first = FormButton("Cancel", {"verb": "cancel", **fields})
    switches = [
        FormButton(
            f"Switch to {_price_title(account, price)}",
            {"verb": "switch", **fields, "price": price["id"]},
        )
        for price in account.find_all("price", type="recurring", active=True)
        if price["currency"] == subscription["currency"] and price["id"] != item["price"]["id"]
    ]
    return [first, *switches]


def _price_title(account: StandInAccount, price: Json) -> str:
    name = account.find("product", price["product"])["name"]
    amount = format_money(price["unit_amount"], price["currency"])
    return f"{name}: {amount} {format_interval(price['recurring'])}"


def _card(account: StandInAccount, customer_id: str) -> str:
    match card_for_renewal(account, customer_id):
        case Card.NONE:
            return "There is no card yet."
        case Card.DECLINES:
            return "The current card is declined."
        case _:
            return "The current card pays."
