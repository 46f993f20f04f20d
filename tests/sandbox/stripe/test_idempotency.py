"""Idempotency keys as Stripe keeps them, and what can go wrong on the way."""

import asyncio

import pytest
import stripe

from paywall.sandbox.stripe.faults import Fault
from tests.sandbox.stripe.shop import DAY, Shop

CUSTOMERS = "/v1/customers"


def made(shop: Shop) -> int:
    """How many customers there are beside the shop's first."""
    return len(list(shop.account.find_all("customer"))) - 1


async def test_the_same_request_gets_the_same_answer(shop: Shop) -> None:
    key: stripe.RequestOptions = {"idempotency_key": "k"}
    first = await shop.stripe.customers.create_async({"name": "Ann"}, key)
    again = await shop.stripe.customers.create_async({"name": "Ann"}, key)
    assert (again.id, made(shop)) == (first.id, 1)
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"


async def test_a_key_with_other_parameters_is_refused(shop: Shop) -> None:
    key: stripe.RequestOptions = {"idempotency_key": "k"}
    await shop.stripe.customers.create_async({"name": "Ann"}, key)
    with pytest.raises(stripe.IdempotencyError):
        await shop.stripe.customers.create_async({"name": "Bo"}, key)


async def test_a_refusal_is_kept_too(shop: Shop) -> None:
    charge = await shop.bought()
    await shop.stripe.refunds.create_async({"charge": charge.id})
    replayed = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="already been refunded") as refused:
            await shop.stripe.refunds.create_async({"charge": charge.id}, {"idempotency_key": "k"})
        assert refused.value.headers is not None
        replayed.append("Idempotent-Replayed" in refused.value.headers)
    assert replayed == [False, True]


async def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    key: stripe.RequestOptions = {"idempotency_key": "k"}
    first = await shop.stripe.customers.create_async({}, key)
    shop.stand_in.advance(DAY)
    assert (await shop.stripe.customers.create_async({}, key)).id != first.id


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR_BEFORE])
async def test_what_failed_before_it_was_done_is_done_by_the_retry(
    shop: Shop, fault: Fault
) -> None:
    shop.stand_in.faults.plan(fault, "POST", CUSTOMERS)
    if fault is Fault.RATE_LIMITED:
        # The SDK leaves it to its user when to ask again.
        with pytest.raises(stripe.RateLimitError):
            await shop.stripe.customers.create_async({})
    await shop.stripe.customers.create_async({})
    assert made(shop) == 1


async def test_a_500_after_it_was_done_is_given_to_every_retry(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, "POST", CUSTOMERS)
    asked = len(shop.stand_in.requests)
    with pytest.raises(stripe.APIError) as failed:
        await shop.stripe.customers.create_async({}, {"idempotency_key": "k"})
    assert failed.value.http_status == 500
    assert len(shop.stand_in.requests) == asked + 3
    assert made(shop) == 1


async def test_a_reset_after_it_was_done_is_healed_by_the_retry(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.RESET_AFTER, "POST", CUSTOMERS)
    customer = await shop.stripe.customers.create_async({})
    assert made(shop) == 1
    assert customer.last_response is not None
    assert customer.last_response.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("fault", "count"), [(Fault.TIMEOUT_BEFORE, 0), (Fault.TIMEOUT_AFTER, 1)], ids=str
)
async def test_a_call_that_hangs_is_given_up(shop: Shop, fault: Fault, count: int) -> None:
    shop.stand_in.faults.plan(fault, "POST", CUSTOMERS, times=3)
    # A retry of what was done is answered from the key, before any fault.
    if fault is Fault.TIMEOUT_AFTER:
        await shop.stripe.customers.create_async({})
    else:
        with pytest.raises(stripe.APIConnectionError, match="Timed out"):
            await shop.stripe.customers.create_async({})
    assert made(shop) == count


async def test_a_fault_is_for_its_call_alone(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.RESET_AFTER, "POST", CUSTOMERS)
    await shop.stripe.customers.list_async({})
    await shop.stripe.customers.retrieve_async(shop.customer)
    assert len(shop.stand_in.faults.planned) == 1
    await asyncio.gather(*(shop.stripe.customers.create_async({}) for _ in range(2)))
    assert (made(shop), shop.stand_in.faults.planned) == (2, [])
