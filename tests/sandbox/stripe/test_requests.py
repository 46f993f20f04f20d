"""Keys, versions, parameters and expansion of requests to the stand-in."""

import pytest
import stripe

from paywall.sandbox.stripe.stand_in import StandIn
from tests.sandbox.stripe.shop import DAY, START, Shop, client_of


@pytest.mark.parametrize("key", ["sk_live_secret", "rk_live_secret"])
async def test_a_live_key_is_refused_with_an_explanation(stand_in: StandIn, key: str) -> None:
    with pytest.raises(stripe.PermissionError, match="This is not Stripe") as refused:
        await client_of(stand_in, key).v1.customers.create_async({})
    assert key not in str(refused.value)
    assert not list(stand_in.account.find_all("customer"))


async def test_an_unknown_kind_of_key_is_refused(stand_in: StandIn) -> None:
    with pytest.raises(stripe.AuthenticationError):
        await client_of(stand_in, "secret").v1.customers.create_async({})


async def test_another_api_version_is_refused(stand_in: StandIn) -> None:
    customers = client_of(stand_in).v1.customers
    with pytest.raises(stripe.InvalidRequestError, match="2020-08-27"):
        await customers.create_async({}, {"stripe_version": "2020-08-27"})


async def test_every_object_is_in_test_mode(shop: Shop) -> None:
    await shop.subscribe()
    await shop.buy_pack()
    shop.stand_in.advance(40 * DAY)
    modes = {
        thing["livemode"]
        for of_kind in shop.account.objects.values()
        for thing in of_kind.values()
        if "livemode" in thing
    }
    assert modes == {False}


async def test_unknown_routes_and_ids_are_not_found(stand_in: StandIn) -> None:
    answer = StandIn(START).respond("GET", "/v1/topups", "", {"authorization": "Bearer sk_test_1"})
    assert answer.status == 404
    assert b"does not implement it" in answer.body
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription: 'sub_none'"):
        await client_of(stand_in).v1.subscriptions.retrieve_async("sub_none")


async def test_an_unsupported_parameter_is_refused(shop: Shop) -> None:
    subscription = await shop.subscribe()
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: trial_end"):
        await shop.change(subscription.id, trial_end="now")


async def test_expand_replaces_ids_by_objects(shop: Shop) -> None:
    charge = await shop.buy_pack()
    shown = await shop.stripe.charges.retrieve_async(
        charge.id, {"expand": ["payment_intent.customer"]}
    )
    intent = shown.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert isinstance(intent.customer, stripe.Customer)
    listed = await shop.stripe.charges.list_async({"expand": ["data.payment_intent"]})
    assert isinstance(listed.data[0].payment_intent, stripe.PaymentIntent)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        await shop.stripe.charges.retrieve_async(charge.id, {"expand": ["currency"]})
    assert isinstance((await shop.stripe.charges.retrieve_async(charge.id)).payment_intent, str)
