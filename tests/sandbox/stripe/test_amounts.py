"""Amounts as Stripe counts them: some currencies without their decimals, some with more."""

from typing import Any

import pytest
import stripe

from paywall.sandbox.stripe.rendering import format_money
from tests.sandbox.stripe.shop import DAY, Shop


async def make_price(
    shop: Shop, amount: int, currency: str, **more: stripe.params.PriceCreateParamsRecurring
) -> str:
    params: stripe.params.PriceCreateParams = {
        "product_data": {"name": "Odd"}, "unit_amount": amount, "currency": currency, **more,  # type: ignore[typeddict-item]  # the SDK contract checks it
    }  # fmt: skip
    return (await shop.stripe.prices.create_async(params)).id


async def subscribe(shop: Shop, price: str, **more: object) -> Any:
    page = await shop.session(price, mode="subscription", **more)
    return await shop.subscription(str((await shop.pay(page)).subscription))


@pytest.mark.parametrize(
    ("amount", "currency", "step"), [(1_050, "isk", 100), (99, "ugx", 100), (1_234, "kwd", 10)]
)
async def test_a_price_that_no_payer_could_pay_is_refused(
    shop: Shop, amount: int, currency: str, step: int
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=f"divisible by {step}") as refused:
        await make_price(shop, amount, currency)
    assert refused.value.param == "unit_amount"


async def test_a_refund_that_no_bank_could_pay_is_refused(shop: Shop) -> None:
    price = await make_price(shop, 1_000, "kwd")
    page = await shop.pay(await shop.session(price, mode="payment"))
    payment = str(page.payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="divisible by 10"):
        await shop.stripe.refunds.create_async({"payment_intent": payment, "amount": 255})
    refund = await shop.stripe.refunds.create_async({"payment_intent": payment, "amount": 250})
    assert (refund.amount, refund.currency) == (250, "kwd")


@pytest.mark.parametrize(("currency", "step"), [("isk", 100), ("tnd", 10)])
async def test_what_is_due_can_be_paid_and_the_rest_is_kept_in_the_balance(
    shop: Shop, currency: str, step: int
) -> None:
    small = await make_price(shop, 100_100, currency, recurring={"interval": "month"})
    large = await make_price(shop, 300_300, currency, recurring={"interval": "month"})
    third = await shop.stripe.coupons.create_async({"percent_off": 33, "duration": "once"})
    subscription = await subscribe(shop, small, discounts=[{"coupon": third.id}])
    shop.stand_in.advance(10 * DAY + 1)
    item = subscription["items"].data[0].id
    await shop.change(
        subscription.id, items=[{"id": item, "price": large}], proration_behavior="always_invoice"
    )
    switch, first = await shop.invoices(subscription.id)
    assert first.amount_paid == first.total == 100_100 - round(33_033 / step) * step
    assert switch.amount_paid % step == 0
    assert switch.total % step != 0
    assert abs(switch.total - switch.amount_paid) <= step / 2
    customer = await shop.stripe.customers.retrieve_async(shop.customer)
    assert customer.balance == switch.total - switch.amount_paid


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (100_000, "isk", "1,000 ISK"),
        (2_000_000, "ugx", "20,000 UGX"),
        (10_000, "mga", "10,000 MGA"),
        (500, "jpy", "500 JPY"),
        (1_230, "kwd", "1.230 KWD"),
        (150, "lak", "1.50 LAK"),
        (1_600_000, "khr", "16,000 KHR"),
        (350, "usd", "3.50 USD"),
    ],
)
def test_pages_show_what_is_charged(amount: int, currency: str, shown: str) -> None:
    assert format_money(amount, currency) == shown
