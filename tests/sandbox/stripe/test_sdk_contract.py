"""The comparison with the SDK's types finds wrong requests and objects."""

import pytest
import stripe

from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.routes import ROUTES
from paywall.sandbox.stripe.stand_in import StandIn
from tests.sandbox.stripe.sdk_contract import METHODS, SdkContract, breaches_of
from tests.sandbox.stripe.shop import SITE, START, Shop, client_of


def test_every_route_is_compared_with_a_method_of_the_sdk() -> None:
    assert set(METHODS) == {f"{route.method} {route.path}" for route in ROUTES}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("subscription", {"current_period_end": 1}),  # where it was before the items had it
        ("invoice", {"subscription": "sub_1"}),  # where it was before invoice.parent
        ("charge", {"invoice": "in_1"}),  # where it was before invoice_payments
        ("customer", {"email": 1}),
        ("subscription", {"status": "cancelled"}),
        ("checkout.session", {"amount_total": "5.00"}),
        ("event", {"livemode": "no"}),
    ],
)
async def test_an_object_with_wrong_fields_is_a_breach(shop: Shop, kind: str, change: Json) -> None:
    await shop.subscribe()
    thing = next(shop.account.find_all(kind))
    assert breaches_of(thing) == []
    assert breaches_of({**thing, **change})


async def test_a_wrong_invoice_line_is_a_breach(shop: Shop) -> None:
    await shop.subscribe()
    invoice = next(shop.account.find_all("invoice"))
    invoice["lines"]["data"][0]["amount"] = None
    assert breaches_of(invoice)


async def test_a_parameter_unknown_to_the_sdk_is_refused_as_a_breach() -> None:
    sdk = SdkContract()
    sessions = client_of(StandIn(START, inspector=sdk)).v1.checkout.sessions
    params = {"mode": "payment", "succes_url": SITE}
    with pytest.raises(stripe.InvalidRequestError, match="succes_url"):
        await sessions.create_async(params)  # type: ignore[arg-type]  # the mistake to be found
    assert len(sdk.breaches) == 1
    with pytest.raises(AssertionError, match="succes_url"):
        sdk.assert_no_breaches()


async def test_a_value_unknown_to_the_sdk_is_a_breach() -> None:
    sdk = SdkContract()
    sessions = client_of(StandIn(START, inspector=sdk)).v1.checkout.sessions
    with pytest.raises(stripe.InvalidRequestError):
        await sessions.create_async({"mode": "gift"})
    assert sdk.breaches
