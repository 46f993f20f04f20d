"""Customers and their cards."""

from enum import StrEnum

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.forms import merge_metadata, optional_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.pagination import paginate


class Card(StrEnum):
    """How a card behaves when it is charged."""

    PAYS = "pays"
    DECLINES = "declines"
    PAYS_ONCE = "pays_once"  # succeeds at Checkout, is declined at renewals
    NONE = "none"  # a trial can start without a card


def create_customer(account: StandInAccount, params: Json) -> Json:
    """Create a customer."""
    customer = account.create(
        "customer", **_given_fields(params), metadata=merge_metadata({}, params)
    )
    account.emit_event("customer.created", customer)
    return customer


def update_customer(account: StandInAccount, params: Json, customer_id: str) -> Json:
    """Change a customer's fields."""
    customer = account.find("customer", customer_id)
    changes = {**_given_fields(params), "metadata": merge_metadata(customer["metadata"], params)}
    return account.update(customer, "customer.updated", **changes)


def list_customers(account: StandInAccount, params: Json) -> Json:
    """Customers, all or by email address."""
    equal = {"email": params["email"]} if params.get("email") else {}
    return paginate(account.find_all("customer", **equal), params, "/v1/customers")


def attach_card(account: StandInAccount, customer_id: str | None, card: Card) -> str | None:
    """Create a payment method and attach it to the customer, if any; returns its id."""
    if card is Card.NONE:
        return None
    last4 = "4242" if card is Card.PAYS else "0341"
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
            "last4": last4,
        },
    )
    if customer_id:
        hidden = account.hidden_fields(customer_id)
        hidden["payment_method"], hidden["card"] = method["id"], card
        account.emit_event("payment_method.attached", method)
    method_id: str = method["id"]
    return method_id


def set_card(account: StandInAccount, customer_id: str, card: Card) -> None:
    """Change how the customer's card behaves from now on."""
    account.hidden_fields(customer_id)["card"] = card


def card_for_renewal(account: StandInAccount, customer_id: str) -> Card:
    """How the customer's card behaves when a renewal is charged."""
    card = Card(account.hidden_fields(customer_id).get("card", Card.NONE))
    return Card.DECLINES if card is Card.PAYS_ONCE else card


def _given_fields(params: Json) -> Json:
    return {
        name: optional_text(params, name)
        for name in ("email", "name", "description", "phone")
        if name in params
    }
