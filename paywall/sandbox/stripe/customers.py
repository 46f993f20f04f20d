"""Customers, and the cards they pay with."""

from enum import StrEnum

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.forms import merge_metadata, optional_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.pagination import paginate


class Card(StrEnum):
    """What a card does when it is charged."""

    PAYS = "pays"
    DECLINES = "declines"
    PAYS_ONCE = "pays_once"  # at the checkout, and declines from then on
    NONE = "none"  # a trial can begin without one


def create_customer(account: StandInAccount, params: Json) -> Json:
    """Make a customer."""
    customer = account.create(
        "customer", **_given_fields(params), metadata=merge_metadata({}, params)
    )
    account.emit_event("customer.created", customer)
    return customer


def update_customer(account: StandInAccount, params: Json, customer_id: str) -> Json:
    """Change what is known of a customer."""
    customer = account.find("customer", customer_id)
    changes = {**_given_fields(params), "metadata": merge_metadata(customer["metadata"], params)}
    return account.update(customer, "customer.updated", **changes)


def list_customers(account: StandInAccount, params: Json) -> Json:
    """Customers, of one address or all."""
    equal = {"email": params["email"]} if params.get("email") else {}
    return paginate(account.find_all("customer", **equal), params, "/v1/customers")


def attach_card(account: StandInAccount, customer_id: str | None, card: Card) -> str | None:
    """Make this the customer's card, or a guest's; the id of the payment method."""
    if card is Card.NONE:
        return None
    number = "4242" if card is Card.PAYS else "0341"
    method = account.create(
        "payment_method",
        customer=customer_id,
        card={
            "brand": "visa",
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": "visa",
            "exp_month": 12,
            "exp_year": account.at.year + 3,
            "funding": "credit",
            "last4": number,
        },
    )
    if customer_id:
        note = account.hidden_fields(customer_id)
        note["payment_method"], note["card"] = method["id"], card
        account.emit_event("payment_method.attached", method)
    method_id: str = method["id"]
    return method_id


def set_card(account: StandInAccount, customer_id: str, card: Card) -> None:
    """From now on the customer's card pays, or declines."""
    account.hidden_fields(customer_id)["card"] = card


def card_for_renewal(account: StandInAccount, customer_id: str) -> Card:
    """What the customer's card does when a renewal is charged."""
    card = Card(account.hidden_fields(customer_id).get("card", Card.NONE))
    return Card.DECLINES if card is Card.PAYS_ONCE else card


def _given_fields(params: Json) -> Json:
    return {
        name: optional_text(params, name)
        for name in ("email", "name", "description", "phone")
        if name in params
    }
