"""How a subscription is paid: the card that is charged, and a payment that failed."""

from datetime import UTC, datetime

from paywall.sandbox.stripe.customers import Card
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
    assert mine["phase"] == "payment_failed"
    assert mine["failed_payment"] == {
        "amount": 2_400_000, "currency": "khr", "next_attempt_at": f"{again:%Y-%m-%dT%H:%M:%SZ}"
    }  # fmt: skip
    change_card(shop.stand_in.account, shop.only("customer")["id"], Card.PAYS)
    shop.move(days=4)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert (mine["phase"], mine["failed_payment"]) == ("active", None)


async def test_after_the_last_attempt_no_date_is_promised(shop: Shop) -> None:
    shop.stand_in.account.after_retries = "unpaid"
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly", currency="usd")
    shop.move(days=30 + 4 * 3)
    await shop.deliver_events()
    mine = (await shop.me())["subscription"]
    assert mine["phase"] == "lapsed"
    assert mine["failed_payment"] == {"amount": 600, "currency": "usd", "next_attempt_at": None}
