"""Who may ask the stand-in, and what it says of itself."""

import pytest
import stripe

from paywall.sandbox.stripe.stand_in import StandIn
from tests.sandbox.stripe.shop import DAY, START, Shop, client_of


@pytest.mark.parametrize("key", ["sk_live_secret", "rk_live_secret"])
async def test_a_live_key_is_refused_with_a_sentence(stand_in: StandIn, key: str) -> None:
    with pytest.raises(stripe.PermissionError, match="This is not Stripe") as refused:
        await client_of(stand_in, key).v1.customers.create_async({})
    assert key not in str(refused.value)
    assert not list(stand_in.account.find_all("customer"))


async def test_a_key_of_no_kind_is_refused(stand_in: StandIn) -> None:
    with pytest.raises(stripe.AuthenticationError):
        await client_of(stand_in, "secret").v1.customers.create_async({})


async def test_another_version_of_the_api_is_refused(stand_in: StandIn) -> None:
    customers = client_of(stand_in).v1.customers
    with pytest.raises(stripe.InvalidRequestError, match="2020-08-27"):
        await customers.create_async({}, {"stripe_version": "2020-08-27"})


async def test_nothing_of_it_is_live(shop: Shop) -> None:
    await shop.subscribed()
    await shop.bought()
    shop.stand_in.advance(40 * DAY)
    modes = {
        thing["livemode"]
        for of_kind in shop.account.objects.values()
        for thing in of_kind.values()
        if "livemode" in thing
    }
    assert modes == {False}


async def test_what_it_does_not_have_is_404_and_says_so(stand_in: StandIn) -> None:
    answer = StandIn(START).respond("GET", "/v1/topups", "", {"authorization": "Bearer sk_test_1"})
    assert answer.status == 404
    assert b"does not implement it" in answer.body
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription: 'sub_none'"):
        await client_of(stand_in).v1.subscriptions.retrieve_async("sub_none")


async def test_a_parameter_that_it_would_ignore_is_refused(shop: Shop) -> None:
    subscription = await shop.subscribed()
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: trial_end"):
        await shop.changed(subscription.id, trial_end="now")


async def test_ids_are_shown_as_objects_where_asked_for(shop: Shop) -> None:
    charge = await shop.bought()
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
