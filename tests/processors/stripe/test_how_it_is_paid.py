"""How a subscription is paid: the card that is charged, and a payment that failed."""

from datetime import UTC, datetime

import pytest

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.customers import Card, attach_card
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.invoice_page import pay_invoice
from paywall.sandbox.stripe.portal import change_card
from tests.processors.stripe.shop import Shop


async def subscribed(shop: Shop) -> str:
    await shop.buy(plan_id="monthly", currency="usd")
    await shop.deliver_events()
    return str((await shop.me())["subscription"]["id"])


async def test_the_card_is_shown_and_follows_a_change(shop: Shop) -> None:
    await subscribed(shop)
    mine = (await shop.me())["subscription"]
    assert mine["card"] == {"brand": "visa", "last4": "4242"}
    customer = shop.only("customer")
    change_card(shop.stand_in.account, customer["id"], Card.PAYS_ONCE)
    await shop.deliver_events()
    assert (await shop.me())["subscription"]["card"] == {"brand": "visa", "last4": "0341"}


async def test_the_customers_card_counts_where_none_is_set(shop: Shop) -> None:
    subscription_id = await subscribed(shop)
    account = shop.stand_in.account
    change_card(account, shop.only("customer")["id"], Card.PAYS_ONCE)
    subscription = account.find("subscription", subscription_id)
    account.update(subscription, "customer.subscription.updated", default_payment_method=None)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["payment_type"], mine["card"]["last4"]) == ("card", "0341")


async def test_a_failed_payment_is_shown_until_it_is_paid(shop: Shop) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly", currency="khr")
    shop.move(days=30.5)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    invoice = shop.stand_in.account.find("invoice", shop.only("subscription")["latest_invoice"])
    again = datetime.fromtimestamp(invoice["next_payment_attempt"], UTC)
    assert (mine["phase"], mine["next_charge"]) == ("payment_failed", None)
    assert mine["failed_payment"] == {
        "amount": 2_400_000, "currency": "khr", "next_attempt_at": f"{again:%Y-%m-%dT%H:%M:%SZ}",
        "pay_url": f"http://stripe.invalid/invoice/{invoice['id']}", "has_new_method": False,
    }  # fmt: skip
    change_card(shop.stand_in.account, shop.only("customer")["id"], Card.PAYS)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["card"]["last4"], mine["failed_payment"]["has_new_method"]) == ("4242", True)
    pay_invoice(shop.stand_in.account, invoice["id"])
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["phase"], mine["failed_payment"]) == ("active", None)


async def test_a_new_card_of_the_customer_alone_is_shown_at_once(shop: Shop) -> None:
    """As Stripe's page for a new means of payment sets it."""
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly", currency="usd")
    account, customer = shop.stand_in.account, shop.only("customer")
    account.update(shop.only("subscription"), None, default_payment_method=None)
    shop.move(days=31)
    await shop.deliver_events()
    method = attach_card(account, customer["id"], Card.PAYS)
    settings = {**customer["invoice_settings"], "default_payment_method": method}
    account.update(customer, "customer.updated", invoice_settings=settings)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert mine["card"] == {"brand": "visa", "last4": "4242"}
    assert mine["failed_payment"]["has_new_method"] is True


@pytest.mark.parametrize(
    ("coupon", "charges"),
    [
        ({"percent_off": "50", "duration": "once"}, [600, 600, 600]),
        (
            {"percent_off": "25", "duration": "repeating", "duration_in_months": "2"},
            [450, 600, 600],
        ),
        ({"amount_off": "100", "currency": "usd", "duration": "forever"}, [500, 500, 500]),
    ],
)
async def test_the_next_charge_counts_a_discount_while_it_lasts(
    coupon: dict[str, str], charges: list[int], shop: Shop
) -> None:
    create_coupon(shop.stand_in.account, {"id": "less", **coupon})
    await shop.buy(code="less", plan_id="monthly", currency="usd")
    shown = []
    for days in (0, 31, 31):
        shop.move(days)
        await shop.deliver_events()
        mine = (await shop.me())["subscription"]
        assert mine["price"] == {"amount": 600, "currency": "usd"}
        shown.append(mine["next_charge"])
    assert shown == [{"amount": amount, "currency": "usd"} for amount in charges]
    due = shop.stand_in.account.find("invoice", shop.only("subscription")["latest_invoice"])
    assert due["amount_due"] == charges[1]


async def test_a_next_charge_that_stripe_does_not_tell_is_left_out(shop: Shop) -> None:
    await subscribed(shop)
    cancelled = await shop.post("subscription/cancel", when="period_end")
    assert cancelled.status_code == 200, cancelled.text
    # Of what is cancelled it is what resuming costs.
    mine = (await shop.me())["subscription"]
    assert (mine["next_payment"], mine["next_charge"]["amount"]) == (None, 600)
    shop.stand_in.faults.plan(Fault.RATE_LIMITED, "POST", "/v1/invoices/create_preview")
    resumed = await shop.post("subscription/resume")
    assert (resumed.status_code, resumed.json()["next_charge"]) == (200, None)


async def test_after_the_last_attempt_no_date_is_promised(shop: Shop) -> None:
    shop.stand_in.account.after_retries = "unpaid"
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly", currency="usd")
    shop.move(days=30 + 4 * 3)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert mine["phase"] == "lapsed"
    assert mine["failed_payment"] == {
        "amount": 600, "currency": "usd", "next_attempt_at": None, "has_new_method": False,
        "pay_url": mine["failed_payment"]["pay_url"],
    }  # fmt: skip
