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
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.refusal import Refusal
from paywall.sandbox.stripe.shapes import Json

Verb = Callable[..., Json]


class Route(NamedTuple):
    """A method and a path, whose ids are given to the verb."""

    method: str
    path: str
    verb: Verb

    def ids(self, asked: Asked) -> list[str] | None:
        """The ids in the path, or None where it is another's."""
        if asked.method != self.method:
            return None
        pattern = re.sub(r"\{\w+\}", "([^/]+)", self.path)
        match = re.fullmatch(pattern, asked.path)
        return list(match.groups()) if match else None


def _one(kind: str) -> Verb:
    def retrieve(account: Account, _given: Json, thing_id: str) -> Json:
        return account.find(kind, thing_id)

    return retrieve


def _many(kind: str, path: str, *filters: str) -> Verb:
    def list_all(account: Account, given: Json) -> Json:
        equal = {name: given[name] for name in filters if given.get(name)}
        return page(account.all(kind, **equal), given, path)

    return list_all


def _own_account(account: Account, _given: Json) -> Json:
    return next(account.all("account"))


ROUTES = [
    Route("GET", "/v1/account", _own_account),
    Route("POST", "/v1/billing_portal/sessions", portal.create_portal),
    Route("GET", "/v1/charges", _many("charge", "/v1/charges", "customer", "payment_intent")),
    Route("GET", "/v1/charges/{id}", _one("charge")),
    Route("POST", "/v1/checkout/sessions", checkout.create_session),
    Route("GET", "/v1/checkout/sessions", checkout.list_sessions),
    Route("GET", "/v1/checkout/sessions/{id}", _one("checkout.session")),
    Route("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire_session),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", checkout.list_line_items),
    Route("POST", "/v1/coupons", catalogue.create_coupon),
    Route("GET", "/v1/coupons/{id}", _one("coupon")),
    Route("POST", "/v1/customers", customers.create_customer),
    Route("GET", "/v1/customers", customers.list_customers),
    Route("GET", "/v1/customers/{id}", _one("customer")),
    Route("POST", "/v1/customers/{id}", customers.update_customer),
    Route("GET", "/v1/disputes", _many("dispute", "/v1/disputes", "charge", "payment_intent")),
    Route("GET", "/v1/disputes/{id}", _one("dispute")),
    Route("GET", "/v1/events", events.list_events),
    Route("GET", "/v1/events/{id}", _one("event")),
    Route("GET", "/v1/invoice_payments", invoices.list_payments),
    Route("GET", "/v1/invoice_payments/{id}", _one("invoice_payment")),
    Route("GET", "/v1/invoices", invoices.list_invoices),
    Route("GET", "/v1/invoices/{id}", _one("invoice")),
    Route("GET", "/v1/invoices/{id}/lines", invoices.list_lines),
    Route("GET", "/v1/payment_intents", _many("payment_intent", "/v1/payment_intents", "customer")),
    Route("GET", "/v1/payment_intents/{id}", _one("payment_intent")),
    Route("GET", "/v1/payment_methods/{id}", _one("payment_method")),
    Route("POST", "/v1/prices", catalogue.create_price),
    Route("GET", "/v1/prices", catalogue.list_prices),
    Route("GET", "/v1/prices/{id}", _one("price")),
    Route("POST", "/v1/prices/{id}", catalogue.update_price),
    Route("POST", "/v1/products", catalogue.create_product),
    Route("GET", "/v1/products", catalogue.list_products),
    Route("GET", "/v1/products/{id}", _one("product")),
    Route("POST", "/v1/products/{id}", catalogue.update_product),
    Route("POST", "/v1/refunds", refunds.create_refund),
    Route("GET", "/v1/refunds", _many("refund", "/v1/refunds", "charge", "payment_intent")),
    Route("GET", "/v1/refunds/{id}", _one("refund")),
    Route("POST", "/v1/refunds/{id}", refunds.update_refund),
    Route("GET", "/v1/subscriptions", subscriptions.list_subscriptions),
    Route("GET", "/v1/subscriptions/{id}", _one("subscription")),
    Route("POST", "/v1/subscriptions/{id}", subscriptions.update_subscription),
    Route("DELETE", "/v1/subscriptions/{id}", subscriptions.cancel_subscription),
    Route("POST", "/v1/subscriptions/{id}/resume", subscriptions.resume_subscription),
]


def perform(account: Account, asked: Asked, given: Json) -> Json:
    """Do what was asked; raises Refusal, also where the stand-in cannot do it."""
    for route in ROUTES:
        ids = route.ids(asked)
        if ids is not None:
            return route.verb(account, given, *ids)
    raise Refusal(
        f"Unrecognized request URL ({asked.method}: {asked.path}). The stand-in for Stripe does"
        " not have it.",
        status=HTTPStatus.NOT_FOUND,
    )
