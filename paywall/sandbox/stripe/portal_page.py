"""The page on which a customer cancels, resumes, switches, or changes the card."""

from html import escape

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.customers import Card, attach_card, card_for_renewal
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.invoices import discount_amount
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.portal import portal_cancel, portal_resume, portal_switch
from paywall.sandbox.stripe.rendering import (
    alert,
    button,
    format_interval,
    format_money,
    format_time,
    link,
    render_page,
)

PAID_STATUSES = frozenset({"active", "trialing"})
"""The states of a subscription in which nothing is owed."""


def show_portal(account: StandInAccount, portal_id: str, wrong: str = "") -> Response[str]:
    """The customer's subscriptions, what can be done with each, and the way back."""
    session = account.find("billing_portal.session", portal_id)
    customer_id = session["customer"]
    here = f"/portal/{portal_id}"
    sections = "".join(
        _section(account, subscription, here)
        for subscription in account.find_all("subscription", customer=customer_id)
    )
    body = f"""{alert(wrong)}
{sections or "<p>No subscription.</p>"}
<h2>Card</h2>
<p>Today's card is one that {_card(account, customer_id)}.</p>
<div class="row">
{button(here, "Use a card that pays", verb="card", card=Card.PAYS)}
{button(here, "Use a card that is declined", verb="card", card=Card.DECLINES)}
</div>
{link(session["return_url"], "Back to the site")}"""
    return render_page("Your subscriptions", body, status=400 if wrong else 200)


def use_portal(account: StandInAccount, portal_id: str, params: Json) -> Response[str] | Redirect:
    """Do what a button of the page says, and show the page again."""
    customer_id = account.find("billing_portal.session", portal_id)["customer"]
    try:
        if params.get("verb") == "card":
            attach_card(account, customer_id, Card(str(params.get("card"))))
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


def _section(account: StandInAccount, subscription: Json, here: str) -> str:
    (item, *_) = subscription["items"]["data"]
    name = account.find("product", item["price"]["product"])["name"]
    return f"""<section>
<h2>{escape(name)}: {_price(item["price"])}</h2>
<p>{_state(account, subscription, item)}</p>
{_buttons(account, subscription, item, here)}
</section>"""


def _state(account: StandInAccount, subscription: Json, item: Json) -> str:
    """How it stands, and what is charged next and when."""
    if subscription["ended_at"]:
        return f"It ended on {format_time(subscription['ended_at'])}. Nothing more is charged."
    if subscription["status"] not in PAID_STATUSES:
        return f"{_owed(account, subscription)}{_end(subscription)}"
    trial = "It is a free trial. " if subscription["status"] == "trialing" else ""
    if subscription["cancel_at"]:
        return f"{trial}It is cancelled.{_end(subscription)}"
    amount = format_money(_next_amount(account, subscription, item), subscription["currency"])
    when = format_time(item["current_period_end"])
    return f"{trial}The next payment is {amount}, on {when}. It goes on until you cancel."


def _end(subscription: Json) -> str:
    if not subscription["cancel_at"]:
        return ""
    return f" It ends on {format_time(subscription['cancel_at'])}, and does not renew."


def _owed(account: StandInAccount, subscription: Json) -> str:
    """What was not paid, and when it is tried again."""
    status = escape(subscription["status"].replace("_", " "))
    invoice = account.find("invoice", subscription["latest_invoice"])
    if invoice["status"] != "open":
        return f"It is {status}."
    owed = format_money(invoice["amount_due"], invoice["currency"])
    again = invoice["next_payment_attempt"]
    tried = f"is tried again on {format_time(again)}" if again else "is not tried again"
    return f"It is {status}: a payment of {owed} did not go through, and {tried}."


def _next_amount(account: StandInAccount, subscription: Json, item: Json) -> int:
    whole = int(item["price"]["unit_amount"] * item["quantity"])
    coupon_id = account.hidden_fields(subscription["id"]).get("coupon")
    return whole - discount_amount(account.find("coupon", coupon_id), whole) if coupon_id else whole


def _buttons(account: StandInAccount, subscription: Json, item: Json, here: str) -> str:
    if subscription["ended_at"]:
        return ""
    subscription_id = subscription["id"]
    verb, words = ("resume", "Do not cancel") if subscription["cancel_at"] else ("cancel", "Cancel")
    switches = "".join(
        button(
            here,
            f"Switch to {account.find('product', price['product'])['name']}: {_price(price)}",
            verb="switch",
            subscription=subscription_id,
            price=price["id"],
        )
        for price in account.find_all("price", type="recurring", active=True)
        if price["currency"] == subscription["currency"] and price["id"] != item["price"]["id"]
    )
    own = button(here, words, verb=verb, subscription=subscription_id)
    return f'<div class="row">{own}{switches}</div>'


def _price(price: Json) -> str:
    amount = format_money(price["unit_amount"], price["currency"])
    return f"{amount} {format_interval(price['recurring'])}"


def _card(account: StandInAccount, customer_id: str) -> str:
    return {
        Card.PAYS: "pays",
        Card.DECLINES: "is declined",
        Card.NONE: "is not there yet",
    }.get(card_for_renewal(account, customer_id), "pays")
