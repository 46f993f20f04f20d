"""Events: signed as the SDK verifies them, delivered, and listed."""

from random import Random

import pytest
import stripe

from paywall.sandbox.stripe.events import WebhookDelivery, drain_deliveries
from paywall.sandbox.stripe.periods import DAY_SECONDS
from tests.sandbox.stripe.shop import Shop

SECRET = "whsec_test"
# The stand-in's clock differs from this machine's by any amount.
TOLERANCE_SECONDS = 10**10


def verified(delivery: WebhookDelivery, secret: str = SECRET) -> stripe.Event:
    event: stripe.Event = stripe.Webhook.construct_event(
        delivery.payload, delivery.headers["Stripe-Signature"], secret, tolerance=TOLERANCE_SECONDS
    )
    return event


async def test_every_event_is_signed_and_in_order(shop: Shop) -> None:
    await shop.subscribe()
    events = [verified(delivery) for delivery in drain_deliveries(shop.account, SECRET)]
    assert [event.type for event in events] == shop.event_types()
    assert {event.api_version for event in events} == {stripe.api_version}
    assert drain_deliveries(shop.account, SECRET) == []


async def test_a_wrong_secret_or_a_changed_byte_fails_verification(shop: Shop) -> None:
    delivery = drain_deliveries(shop.account, SECRET)[0]
    with pytest.raises(stripe.SignatureVerificationError):
        verified(delivery, "whsec_other")
    with pytest.raises(stripe.SignatureVerificationError):
        verified(delivery._replace(payload=delivery.payload.replace(b"evt_", b"evt-")))


async def test_an_event_has_its_object_as_it_was_then(shop: Shop) -> None:
    subscription = await shop.subscribe()
    await shop.change(subscription.id, cancel_at_period_end=True)
    events = [verified(delivery) for delivery in drain_deliveries(shop.account, SECRET)]
    begun, active, cancelled = (
        event for event in events if event.type.startswith("customer.subscription.")
    )
    assert begun.data.object["status"] == "incomplete"
    assert active.to_dict()["data"]["previous_attributes"] == {"status": "incomplete"}
    assert active.data.object["cancel_at_period_end"] is False
    assert cancelled.data.object["cancel_at_period_end"] is True


async def test_deliveries_can_be_shuffled_repeated_and_dropped(shop: Shop) -> None:
    await shop.subscribe()
    sent = list(shop.account.undelivered)
    deliveries = drain_deliveries(shop.account, SECRET, shuffle=Random(7), repeat=0.5, drop=0.2)
    ids = [delivery.event_id for delivery in deliveries]
    assert ids != [event["id"] for event in sent if event["id"] in ids]
    assert len(set(ids)) < min(len(ids), len(sent))


async def test_the_event_list_pages_both_ways(shop: Shop) -> None:
    await shop.subscribe()
    every = [event["id"] for event in shop.account.find_all("event")]
    backward = await shop.stripe.events.list_async({"limit": 3})
    assert [event.id async for event in backward.auto_paging_iter()] == every[::-1]
    forward = await shop.stripe.events.list_async({"limit": 3, "ending_before": every[0]})
    assert [event.id async for event in forward.auto_paging_iter()] == every[1:]


async def test_the_event_list_filters_by_type_time_and_delivery(shop: Shop) -> None:
    await shop.subscribe()
    drain_deliveries(shop.account, SECRET)
    shop.stand_in.advance(31 * DAY_SECONDS)
    since: stripe.params.EventListParams = {"created": {"gte": shop.account.now - DAY_SECONDS}}
    types = {"invoice.paid", "customer.subscription.updated"}
    events = (await shop.stripe.events.list_async({**since, "types": sorted(types)})).data
    assert {event.type for event in events} == types
    waiting = (await shop.stripe.events.list_async({"delivery_success": False})).data
    assert {event.id for event in waiting} == {e["id"] for e in shop.account.undelivered}


async def test_events_are_listed_for_thirty_days(shop: Shop) -> None:
    shop.stand_in.advance(30 * DAY_SECONDS)
    assert (await shop.stripe.events.list_async({})).data == []
