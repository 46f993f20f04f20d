"""Customers, and the cards they pay with."""

from enum import StrEnum

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.forms import merged, text
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.shapes import Json


class Card(StrEnum):
    """What a card does when it is charged."""

    PAYS = "pays"
    DECLINES = "declines"
    PAYS_ONCE = "pays_once"  # at the checkout, and declines from then on
    NONE = "none"  # a trial can begin without one


def create_customer(account: Account, given: Json) -> Json:
    """Make a customer."""
    customer = account.new("customer", **_fields(given), metadata=merged({}, given))
    account.tell("customer.created", customer)
    return customer


def update_customer(account: Account, given: Json, customer_id: str) -> Json:
    """Change what is known of a customer."""
    customer = account.find("customer", customer_id)
    changes = {**_fields(given), "metadata": merged(customer["metadata"], given)}
    return account.change(customer, "customer.updated", **changes)


def list_customers(account: Account, given: Json) -> Json:
    """Customers, of one address or all."""
    equal = {"email": given["email"]} if given.get("email") else {}
    return page(account.all("customer", **equal), given, "/v1/customers")


def keep_card(account: Account, customer_id: str | None, card: Card) -> str | None:
    """Make this the customer's card, or a guest's; the id of the payment method."""
    if card is Card.NONE:
        return None
    number = "4242" if card is Card.PAYS else "0341"
    method = account.new(
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
        note = account.note(customer_id)
        note["payment_method"], note["card"] = method["id"], card
        account.tell("payment_method.attached", method)
    method_id: str = method["id"]
    return method_id


def use_card(account: Account, customer_id: str, card: Card) -> None:
    """From now on the customer's card pays, or declines."""
    account.note(customer_id)["card"] = card


def card_of(account: Account, customer_id: str) -> Card:
    """What the customer's card does when a renewal is charged."""
    card = Card(account.note(customer_id).get("card", Card.NONE))
    return Card.DECLINES if card is Card.PAYS_ONCE else card


def _fields(given: Json) -> Json:
    return {
        name: text(given, name)
        for name in ("email", "name", "description", "phone")
        if name in given
    }
