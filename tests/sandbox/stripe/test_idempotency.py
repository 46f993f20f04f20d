"""Idempotency keys as Stripe stores them, and planned faults."""

import asyncio

import pytest
import stripe

from paywall.sandbox.stripe.faults import Fault
from tests.sandbox.stripe.shop import DAY, Shop

CUSTOMERS = "/v1/customers"


def customers_created(shop: Shop) -> int:
    """The number of customers beside the shop's first one."""
    return len(list(shop.account.find_all("customer"))) - 1


async def test_a_repeated_key_gets_the_same_response(shop: Shop) -> None:
    key: stripe.RequestOptions = {"idempotency_key": "k"}
    first = await shop.stripe.customers.create_async({"name": "Ann"}, key)
    again = await shop.stripe.customers.create_async({"name": "Ann"}, key)
    assert (again.id, customers_created(shop)) == (first.id, 1)
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"


async def test_a_key_with_other_parameters_is_refused(shop: Shop) -> None:
    key: stripe.RequestOptions = {"idempotency_key": "k"}
    await shop.stripe.customers.create_async({"name": "Ann"}, key)
    with pytest.raises(stripe.IdempotencyError):
        await shop.stripe.customers.create_async({"name": "Bo"}, key)


async def test_an_error_is_replayed_too(shop: Shop) -> None:
    charge = await shop.buy_pack()
    await shop.stripe.refunds.create_async({"charge": charge.id})
    replayed = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="already been refunded") as refused:
            await shop.stripe.refunds.create_async({"charge": charge.id}, {"idempotency_key": "k"})
        assert refused.value.headers is not None
        replayed.append("Idempotent-Replayed" in refused.value.headers)
    assert replayed == [False, True]


async def test_an_idempotency_key_expires_after_a_day(shop: Shop) -> None:
    key: stripe.RequestOptions = {"idempotency_key": "k"}
    first = await shop.stripe.customers.create_async({}, key)
    shop.stand_in.advance(DAY)
    assert (await shop.stripe.customers.create_async({}, key)).id != first.id


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR_BEFORE])
async def test_a_retry_after_a_failure_without_effect_succeeds(shop: Shop, fault: Fault) -> None:
    shop.stand_in.faults.plan(fault, "POST", CUSTOMERS)
    if fault is Fault.RATE_LIMITED:
        # The SDK does not retry this by itself.
        with pytest.raises(stripe.RateLimitError):
            await shop.stripe.customers.create_async({})
    await shop.stripe.customers.create_async({})
    assert customers_created(shop) == 1


async def test_a_stored_server_error_is_replayed_to_every_retry(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_AFTER, "POST", CUSTOMERS)
    before = len(shop.stand_in.requests)
    with pytest.raises(stripe.APIError) as failed:
        await shop.stripe.customers.create_async({}, {"idempotency_key": "k"})
    assert failed.value.http_status == 500
    assert len(shop.stand_in.requests) == before + 3
    assert customers_created(shop) == 1


async def test_a_retry_after_a_reset_gets_the_stored_response(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.RESET_AFTER, "POST", CUSTOMERS)
    customer = await shop.stripe.customers.create_async({})
    assert customers_created(shop) == 1
    assert customer.last_response is not None
    assert customer.last_response.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("fault", "count"), [(Fault.TIMEOUT_BEFORE, 0), (Fault.TIMEOUT_AFTER, 1)], ids=str
)
async def test_the_sdk_gives_up_a_call_without_a_response(
    shop: Shop, fault: Fault, count: int
) -> None:
    shop.stand_in.faults.plan(fault, "POST", CUSTOMERS, times=3)
    # After an effect the retry gets the stored response, before any fault.
    if fault is Fault.TIMEOUT_AFTER:
        await shop.stripe.customers.create_async({})
    else:
        with pytest.raises(stripe.APIConnectionError, match="Timed out"):
            await shop.stripe.customers.create_async({})
    assert customers_created(shop) == count


async def test_a_fault_affects_its_own_call_alone(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.RESET_AFTER, "POST", CUSTOMERS)
    await shop.stripe.customers.list_async({})
    await shop.stripe.customers.retrieve_async(shop.customer)
    assert len(shop.stand_in.faults.planned) == 1
    await asyncio.gather(*(shop.stripe.customers.create_async({}) for _ in range(2)))
    assert (customers_created(shop), shop.stand_in.faults.planned) == (2, [])
