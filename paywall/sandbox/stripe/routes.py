"""The part of Stripe's API that the stand-in implements."""

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
    preview,
    refunds,
    schedules,
    subscriptions,
)
from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.api_messages import StandInRequest
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.expansion import expand_fields
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.pagination import paginate

RouteHandler = Callable[..., Json]


PAGING = "created ending_before limit starting_after"
SESSION_PARAMS = (
    "allow_promotion_codes cancel_url client_reference_id consent_collection customer"
    " customer_email discounts expires_at line_items locale metadata mode payment_intent_data"
    " payment_method_collection payment_method_types subscription_data success_url ui_mode"
)
SUBSCRIPTION_PARAMS = (
    "cancel_at cancel_at_period_end cancellation_details description items metadata"
    " pause_collection proration_behavior"
)
CUSTOMER_PARAMS = "description email metadata name phone"


class ApiRoute(NamedTuple):
    """A method and a path, the handler, which is given the path's ids, and allowed parameters."""

    method: str
    path: str
    handler: RouteHandler
    allowed: str = ""

    def ids(self, request: StandInRequest) -> list[str] | None:
        """The ids in the path, or None where the request is for another route."""
        if request.method != self.method:
            return None
        pattern = re.sub(r"\{\w+\}", "([^/]+)", self.path)
        match = re.fullmatch(pattern, request.path)
        return list(match.groups()) if match else None

    def check_params(self, params: Json) -> None:
        """Raise ApiError for a parameter that the stand-in would ignore."""
        if unknown := sorted(params.keys() - {"expand", *self.allowed.split()}):
            raise ApiError(
                f"Received unknown parameter: {unknown[0]}. The stand-in for Stripe does not"
                " implement it.",
                code="parameter_unknown",
                param=unknown[0],
            )


def _retrieve_route(object_type: str, path: str) -> ApiRoute:
    def retrieve(account: StandInAccount, _params: Json, object_id: str) -> Json:
        return account.find(object_type, object_id)

    return ApiRoute("GET", f"{path}/{{id}}", retrieve)


def _list_route(object_type: str, path: str, filters: str) -> ApiRoute:
    def list_all(account: StandInAccount, params: Json) -> Json:
        equal = {name: params[name] for name in filters.split() if params.get(name)}
        return paginate(account.find_all(object_type, **equal), params, path)

    return ApiRoute("GET", path, list_all, f"{PAGING} {filters}")


def _retrieve_account(account: StandInAccount, _params: Json) -> Json:
    return next(account.find_all("account"))


ROUTES = [
    ApiRoute("GET", "/v1/account", _retrieve_account),
    ApiRoute(
        "POST",
        "/v1/billing_portal/sessions",
        portal.create_portal_session,
        "customer return_url locale",
    ),
    _list_route("charge", "/v1/charges", "customer payment_intent"),
    _retrieve_route("charge", "/v1/charges"),
    ApiRoute("POST", "/v1/checkout/sessions", checkout.create_session, SESSION_PARAMS),
    ApiRoute(
        "GET",
        "/v1/checkout/sessions",
        checkout.list_sessions,
        f"{PAGING} customer payment_intent status subscription",
    ),
    _retrieve_route("checkout.session", "/v1/checkout/sessions"),
    ApiRoute("POST", "/v1/checkout/sessions/{id}/expire", checkout.expire_session),
    ApiRoute("GET", "/v1/checkout/sessions/{id}/line_items", checkout.list_line_items, PAGING),
    ApiRoute(
        "POST",
        "/v1/coupons",
        catalogue.create_coupon,
        "amount_off currency duration duration_in_months id metadata name percent_off",
    ),
    _retrieve_route("coupon", "/v1/coupons"),
    ApiRoute("POST", "/v1/customers", customers.create_customer, CUSTOMER_PARAMS),
    ApiRoute("GET", "/v1/customers", customers.list_customers, f"{PAGING} email"),
    _retrieve_route("customer", "/v1/customers"),
    ApiRoute("POST", "/v1/customers/{id}", customers.update_customer, CUSTOMER_PARAMS),
    _list_route("dispute", "/v1/disputes", "charge payment_intent"),
    _retrieve_route("dispute", "/v1/disputes"),
    ApiRoute("GET", "/v1/events", events.list_events, f"{PAGING} delivery_success type types"),
    _retrieve_route("event", "/v1/events"),
    ApiRoute(
        "GET",
        "/v1/invoice_payments",
        invoices.list_invoice_payments,
        f"{PAGING} invoice payment status",
    ),
    _retrieve_route("invoice_payment", "/v1/invoice_payments"),
    ApiRoute(
        "GET", "/v1/invoices", invoices.list_invoices, f"{PAGING} customer status subscription"
    ),
    ApiRoute(
        "POST",
        "/v1/invoices/create_preview",
        preview.preview_invoice,
        "subscription subscription_details",
    ),
    _retrieve_route("invoice", "/v1/invoices"),
    ApiRoute("GET", "/v1/invoices/{id}/lines", invoices.list_invoice_lines, PAGING),
    _list_route("payment_intent", "/v1/payment_intents", "customer"),
    _retrieve_route("payment_intent", "/v1/payment_intents"),
    _retrieve_route("payment_method", "/v1/payment_methods"),
    ApiRoute(
        "POST",
        "/v1/prices",
        catalogue.create_price,
        "currency lookup_key metadata nickname product product_data recurring"
        " transfer_lookup_key unit_amount",
    ),
    ApiRoute(
        "GET",
        "/v1/prices",
        catalogue.list_prices,
        f"{PAGING} active currency lookup_keys product type",
    ),
    _retrieve_route("price", "/v1/prices"),
    ApiRoute(
        "POST",
        "/v1/prices/{id}",
        catalogue.update_price,
        "active lookup_key metadata nickname transfer_lookup_key",
    ),
    ApiRoute("POST", "/v1/products", catalogue.create_product, "description id metadata name"),
    ApiRoute("GET", "/v1/products", catalogue.list_products, f"{PAGING} active ids"),
    _retrieve_route("product", "/v1/products"),
    ApiRoute("POST", "/v1/products/{id}", catalogue.update_product, "active metadata name"),
    ApiRoute(
        "POST", "/v1/refunds", refunds.create_refund, "amount charge metadata payment_intent reason"
    ),
    _list_route("refund", "/v1/refunds", "charge payment_intent"),
    _retrieve_route("refund", "/v1/refunds"),
    ApiRoute("POST", "/v1/refunds/{id}", refunds.update_refund, "metadata"),
    ApiRoute(
        "GET",
        "/v1/subscriptions",
        subscriptions.list_subscriptions,
        f"{PAGING} customer price status",
    ),
    _retrieve_route("subscription", "/v1/subscriptions"),
    ApiRoute(
        "POST", "/v1/subscriptions/{id}", subscriptions.update_subscription, SUBSCRIPTION_PARAMS
    ),
    ApiRoute(
        "DELETE",
        "/v1/subscriptions/{id}",
        subscriptions.cancel_subscription,
        "cancellation_details invoice_now prorate",
    ),
    ApiRoute("POST", "/v1/subscriptions/{id}/resume", subscriptions.resume_subscription),
    _retrieve_route("subscription_schedule", "/v1/subscription_schedules"),
    ApiRoute(
        "POST",
        "/v1/subscription_schedules/{id}/release",
        schedules.release_schedule,
        "preserve_cancel_date",
    ),
]


def dispatch(account: StandInAccount, request: StandInRequest, params: Json) -> Json:
    """Handle the request. Raises ApiError, also for what the stand-in does not implement."""
    for route in ROUTES:
        ids = route.ids(request)
        if ids is not None:
            route.check_params(params)
            return expand_fields(account, route.handler(account, params, *ids), params)
    raise ApiError(
        f"Unrecognized request URL ({request.method}: {request.path}). The stand-in for Stripe does"
        " not implement it.",
        status=HTTPStatus.NOT_FOUND,
    )
