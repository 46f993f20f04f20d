"""Which request does what: the part of Stripe's API that is stood in for."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from paywall.sandbox.stripe import (
    catalogue,
    checkout,
    customers,
    events,
    invoices,
    portal,
    refunds,
    subscriptions,
)
from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.answers import Asked
from paywall.sandbox.stripe.expansion import expanded
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.shapes import Json

Verb = Callable[..., Json]


PAGED = "created ending_before limit starting_after"
SESSION = (
    "allow_promotion_codes cancel_url client_reference_id consent_collection customer"
    " customer_email discounts expires_at line_items locale metadata mode payment_intent_data"
    " payment_method_collection payment_method_types subscription_data success_url ui_mode"
)
SUBSCRIPTION = (
    "cancel_at cancel_at_period_end cancellation_details description items metadata"
    " pause_collection proration_behavior"
)
CUSTOMER = "description email metadata name phone"


class Route(NamedTuple):
    """A method and a path, whose ids are given to the verb, and the parameters it takes."""

    method: str
    path: str
    verb: Verb
    takes: str = ""

    def ids(self, asked: Asked) -> list[str] | None:
        """The ids in the path, or None where it is another's."""
        if asked.method != self.method:
            return None
        pattern = re.sub(r"\{\w+\}", "([^/]+)", self.path)
        match = re.fullmatch(pattern, asked.path)
        return list(match.groups()) if match else None

    def admit(self, given: Json) -> None:
        """Refuse what would be left undone: silence would be taken for consent."""
        if unknown := sorted(given.keys() - {"expand", *self.takes.split()}):
            raise Refusal(
                f"Received unknown parameter: {unknown[0]}. The stand-in for Stripe does not"
                " have it.",
                code="parameter_unknown",
                param=unknown[0],
            )


def _one(kind: str, path: str) -> Route:
    def retrieve(account: Account, _given: Json, thing_id: str) -> Json:
        return account.find(kind, thing_id)

    return Route("GET", f"{path}/{{id}}", retrieve)


def _many(kind: str, path: str, filters: str) -> Route:
    def list_all(account: Account, given: Json) -> Json:
        equal = {name: given[name] for name in filters.split() if given.get(name)}
        return page(account.all(kind, **equal), given, path)

    return Route("GET", path, list_all, f"{PAGED} {filters}")


def _own_account(account: Account, _given: Json) -> Json:
    return next(account.all("account"))


ROUTES = [
    Route("GET", "/v1/account", _own_account),
    Route(
        "POST", "/v1/billing_portal/sessions", portal.create_portal, "customer return_url locale"
    ),
    _many("charge", "/v1/charges", "customer payment_intent"),
    _one("charge", "/v1/charges"),
    Route("POST", "/v1/checkout/sessions", checkout.create_session, SESSION),
    Route(
        "GET",
        "/v1/checkout/sessions",
        checkout.list_sessions,
        f"{PAGED} customer payment_intent status subscription",
    ),
    _one("checkout.session", "/v1/checkout/sessions"),
    Route("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire_session),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", checkout.list_line_items, PAGED),
    Route(
        "POST",
        "/v1/coupons",
        catalogue.create_coupon,
        "amount_off currency duration duration_in_months id metadata name percent_off",
    ),
    _one("coupon", "/v1/coupons"),
    Route("POST", "/v1/customers", customers.create_customer, CUSTOMER),
    Route("GET", "/v1/customers", customers.list_customers, f"{PAGED} email"),
    _one("customer", "/v1/customers"),
    Route("POST", "/v1/customers/{id}", customers.update_customer, CUSTOMER),
    _many("dispute", "/v1/disputes", "charge payment_intent"),
    _one("dispute", "/v1/disputes"),
    Route("GET", "/v1/events", events.list_events, f"{PAGED} delivery_success type types"),
    _one("event", "/v1/events"),
    Route("GET", "/v1/invoice_payments", invoices.list_payments, f"{PAGED} invoice payment status"),
    _one("invoice_payment", "/v1/invoice_payments"),
    Route("GET", "/v1/invoices", invoices.list_invoices, f"{PAGED} customer status subscription"),
    _one("invoice", "/v1/invoices"),
    Route("GET", "/v1/invoices/{id}/lines", invoices.list_lines, PAGED),
    _many("payment_intent", "/v1/payment_intents", "customer"),
    _one("payment_intent", "/v1/payment_intents"),
    _one("payment_method", "/v1/payment_methods"),
    Route(
        "POST",
        "/v1/prices",
        catalogue.create_price,
        "currency lookup_key metadata nickname product product_data recurring"
        " transfer_lookup_key unit_amount",
    ),
    Route(
        "GET",
        "/v1/prices",
        catalogue.list_prices,
        f"{PAGED} active currency lookup_keys product type",
    ),
    _one("price", "/v1/prices"),
    Route(
        "POST",
        "/v1/prices/{id}",
        catalogue.update_price,
        "active lookup_key metadata nickname transfer_lookup_key",
    ),
    Route("POST", "/v1/products", catalogue.create_product, "description id metadata name"),
    Route("GET", "/v1/products", catalogue.list_products, f"{PAGED} active ids"),
    _one("product", "/v1/products"),
    Route("POST", "/v1/products/{id}", catalogue.update_product, "active metadata name"),
    Route(
        "POST", "/v1/refunds", refunds.create_refund, "amount charge metadata payment_intent reason"
    ),
    _many("refund", "/v1/refunds", "charge payment_intent"),
    _one("refund", "/v1/refunds"),
    Route("POST", "/v1/refunds/{id}", refunds.update_refund, "metadata"),
    Route(
        "GET",
        "/v1/subscriptions",
        subscriptions.list_subscriptions,
        f"{PAGED} customer price status",
    ),
    _one("subscription", "/v1/subscriptions"),
    Route("POST", "/v1/subscriptions/{id}", subscriptions.update_subscription, SUBSCRIPTION),
    Route(
        "DELETE",
        "/v1/subscriptions/{id}",
        subscriptions.cancel_subscription,
        "cancellation_details invoice_now prorate",
    ),
    Route("POST", "/v1/subscriptions/{id}/resume", subscriptions.resume_subscription),
]


def perform(account: Account, asked: Asked, given: Json) -> Json:
    """Do what was asked; raises Refusal, also where the stand-in cannot do it."""
    for route in ROUTES:
        ids = route.ids(asked)
        if ids is not None:
            route.admit(given)
            return expanded(account, route.verb(account, given, *ids), given)
    raise Refusal(
        f"Unrecognized request URL ({asked.method}: {asked.path}). The stand-in for Stripe does"
        " not have it.",
        status=HTTPStatus.NOT_FOUND,
    )
