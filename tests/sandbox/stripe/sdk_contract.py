"""Compares the stand-in's requests and objects with the SDK's own types."""

import re
from collections.abc import Callable
from functools import cache

import jsonschema_rs
import stripe
from stripe import billing_portal, checkout

from paywall.sandbox.stripe.api_messages import StandInRequest
from paywall.sandbox.stripe.errors import ApiError
from paywall.sandbox.stripe.objects import Json
from tests.sandbox.stripe.sdk_types import Schema, object_schema, request_schema

METHODS: dict[str, Callable[..., object]] = {
    "GET /v1/account": stripe.AccountService.retrieve_current,
    "POST /v1/billing_portal/sessions": billing_portal.SessionService.create,
    "GET /v1/charges": stripe.ChargeService.list,
    "GET /v1/charges/{id}": stripe.ChargeService.retrieve,
    "POST /v1/checkout/sessions": checkout.SessionService.create,
    "GET /v1/checkout/sessions": checkout.SessionService.list,
    "GET /v1/checkout/sessions/{id}": checkout.SessionService.retrieve,
    "POST /v1/checkout/sessions/{id}/expire": checkout.SessionService.expire,
    "GET /v1/checkout/sessions/{id}/line_items": checkout.SessionLineItemService.list,
    "POST /v1/coupons": stripe.CouponService.create,
    "GET /v1/coupons/{id}": stripe.CouponService.retrieve,
    "POST /v1/customers": stripe.CustomerService.create,
    "GET /v1/customers": stripe.CustomerService.list,
    "GET /v1/customers/{id}": stripe.CustomerService.retrieve,
    "POST /v1/customers/{id}": stripe.CustomerService.update,
    "GET /v1/disputes": stripe.DisputeService.list,
    "GET /v1/disputes/{id}": stripe.DisputeService.retrieve,
    "GET /v1/events": stripe.EventService.list,
    "GET /v1/events/{id}": stripe.EventService.retrieve,
    "GET /v1/invoice_payments": stripe.InvoicePaymentService.list,
    "GET /v1/invoice_payments/{id}": stripe.InvoicePaymentService.retrieve,
    "GET /v1/invoices": stripe.InvoiceService.list,
    "POST /v1/invoices/create_preview": stripe.InvoiceService.create_preview,
    "GET /v1/invoices/{id}": stripe.InvoiceService.retrieve,
    "GET /v1/invoices/{id}/lines": stripe.InvoiceLineItemService.list,
    "GET /v1/payment_intents": stripe.PaymentIntentService.list,
    "GET /v1/payment_intents/{id}": stripe.PaymentIntentService.retrieve,
    "GET /v1/payment_methods/{id}": stripe.PaymentMethodService.retrieve,
    "POST /v1/prices": stripe.PriceService.create,
    "GET /v1/prices": stripe.PriceService.list,
    "GET /v1/prices/{id}": stripe.PriceService.retrieve,
    "POST /v1/prices/{id}": stripe.PriceService.update,
    "POST /v1/products": stripe.ProductService.create,
    "GET /v1/products": stripe.ProductService.list,
    "GET /v1/products/{id}": stripe.ProductService.retrieve,
    "POST /v1/products/{id}": stripe.ProductService.update,
    "POST /v1/refunds": stripe.RefundService.create,
    "GET /v1/refunds": stripe.RefundService.list,
    "GET /v1/refunds/{id}": stripe.RefundService.retrieve,
    "POST /v1/refunds/{id}": stripe.RefundService.update,
    "GET /v1/subscriptions": stripe.SubscriptionService.list,
    "GET /v1/subscriptions/{id}": stripe.SubscriptionService.retrieve,
    "POST /v1/subscriptions/{id}": stripe.SubscriptionService.update,
    "DELETE /v1/subscriptions/{id}": stripe.SubscriptionService.cancel,
    "POST /v1/subscriptions/{id}/resume": stripe.SubscriptionService.resume,
    "GET /v1/subscription_schedules/{id}": stripe.SubscriptionScheduleService.retrieve,
    "POST /v1/subscription_schedules/{id}/release": stripe.SubscriptionScheduleService.release,
}


class SdkContract:
    """An inspector that records every breach until the end of the test.

    A request with a parameter that Stripe does not know is refused, as by Stripe.
    """

    def __init__(self) -> None:
        self.breaches: list[str] = []

    def request(self, request: StandInRequest, params: Json) -> None:
        found = _breaches_of_request(request, params)
        self.breaches += found
        if found:
            raise ApiError(f"Received unknown parameter: {found[0]}", code="parameter_unknown")

    def response(self, obj: Json) -> None:
        rows = obj["data"] if obj["object"] == "list" else [obj]
        for row in rows:
            self.breaches += [f"{row['object']}: {what}" for what in breaches_of(row)]

    def assert_no_breaches(self) -> None:
        """Fail if there was any breach."""
        assert not self.breaches, "\n".join(self.breaches)


def breaches_of(obj: Json) -> list[str]:
    """Where an object differs from the SDK's types."""
    return _messages(_object_validator(obj["object"]), obj)


def _breaches_of_request(request: StandInRequest, params: Json) -> list[str]:
    for call, method in METHODS.items():
        pattern = re.sub(r"\{id\}", "[^/]+", call)
        if re.fullmatch(pattern, f"{request.method} {request.path}"):
            schema, validator = _request_validator(method)
            return [
                f"{call}: {what}" for what in _messages(validator, _typed(params, schema, schema))
            ]
    return [f"{request.method} {request.path}: no method of the SDK is known for it"]


def _messages(validator: jsonschema_rs.Draft7Validator, obj: object) -> list[str]:
    return [
        f"{'.'.join(map(str, error.instance_path))}: {error.message[:200]}"
        for error in validator.iter_errors(obj)
    ]


@cache
def _object_validator(kind: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(object_schema(kind))


@cache
def _request_validator(
    method: Callable[..., object],
) -> tuple[Schema, jsonschema_rs.Draft7Validator]:
    schema = request_schema(method)
    return schema, jsonschema_rs.Draft7Validator(schema)


def _typed(value: object, schema: Schema, root: Schema) -> object:
    """A form's strings, converted to the types of the schema."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    for choice in schema.get("anyOf", []):
        typed = _typed(value, choice, root)
        whole = {**choice, "definitions": root["definitions"]}
        if jsonschema_rs.is_valid(whole, typed):
            return typed
    match value:
        case str():
            return _typed_text(value, schema.get("type"))
        case dict():
            fields = schema.get("properties", {})
            return {
                name: _typed(inner, fields.get(name, {}), root) for name, inner in value.items()
            }
        case list():
            return [_typed(inner, schema.get("items", {}), root) for inner in value]
        case _:
            return value


def _typed_text(text: str, kind: str | None) -> object:
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text
