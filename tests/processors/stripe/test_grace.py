"""Grace after a failed payment follows a payment above zero."""

from typing import Any

from paywall.sandbox.stripe.catalogue import create_coupon
from paywall.sandbox.stripe.checkout import settle_session
from paywall.sandbox.stripe.customers import Card, set_card
from paywall.subscribers.audit import audit
from tests.processors.stripe.shop import Shop
from tests.test_story import check, put_article

FIRST_PERIOD_END = "2026-12-24T12:00:00Z"


async def late(shop: Shop, phase: str) -> dict[str, Any]:
    """The subscription after a failed payment; its access is what the check grants."""
    assert set(await shop.deliver_events()) == {200}
    mine: dict[str, Any] = (await shop.me())["subscription"]
    assert (mine["status"], mine["phase"]) == ("past_due", phase)
    await put_article(shop.service, shop.bearer, "42")
    decision = await check(shop.service, shop.bearer, "42", reader_id="ann")
    assert decision["granted"] is mine["opens_all"]
    async with shop.database.reading() as session:
        assert await audit(session) == []
    return mine


async def test_a_first_bank_transfer_that_bounced_opens_nothing(shop: Shop) -> None:
    page = await shop.buy(plan_id="monthly", later=True)
    assert set(await shop.deliver_events()) == {200}
    shop.move(days=2)
    settle_session(shop.stand_in.account, page["session_id"], paid=False)
    mine = await late(shop, "lapsed")
    assert (mine["access_until"], mine["opens_all"]) == ("2026-11-24T12:00:00Z", False)


async def test_a_first_bank_transfer_on_its_way_opens_nothing(shop: Shop) -> None:
    """The leeway before a renewal follows a period, and there was none."""
    await shop.buy(plan_id="monthly", later=True)
    assert set(await shop.deliver_events()) == {200}
    mine = (await shop.me())["subscription"]
    assert (mine["status"], mine["opens_all"]) == ("active", False)
    async with shop.database.reading() as session:
        assert await audit(session) == []


async def test_a_trial_that_was_never_paid_for_ends_without_grace(shop: Shop) -> None:
    await shop.buy(card=Card.PAYS_ONCE, plan_id="tried")
    shop.move(days=7.5)
    mine = await late(shop, "lapsed")
    assert (mine["access_until"], mine["opens_all"]) == ("2026-12-01T12:00:00Z", False)


async def test_a_first_period_free_by_a_coupon_ends_without_grace(shop: Shop) -> None:
    create_coupon(shop.stand_in.account, {"id": "FREE", "percent_off": "100"})
    await shop.buy(card=Card.PAYS_ONCE, plan_id="monthly", code="FREE")
    shop.move(days=30.5)
    mine = await late(shop, "lapsed")
    assert (mine["access_until"], mine["opens_all"]) == (FIRST_PERIOD_END, False)


async def test_grace_begins_with_the_first_payment_after_a_trial(shop: Shop) -> None:
    await shop.buy(plan_id="tried")
    shop.move(days=8)
    assert set(await shop.deliver_events()) == {200}
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.DECLINES)
    shop.move(days=30.5)
    mine = await late(shop, "payment_failed")
    assert (mine["access_until"], mine["opens_all"]) == ("2027-01-04T12:00:00Z", True)


async def test_a_late_first_payment_opens_its_period(shop: Shop) -> None:
    page = await shop.buy(plan_id="monthly", later=True)
    settle_session(shop.stand_in.account, page["session_id"], paid=False)
    await late(shop, "lapsed")
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.PAYS)
    shop.move(days=3.5)
    assert set(await shop.deliver_events()) == {200}
    mine = (await shop.me())["subscription"]
    assert (mine["phase"], mine["access_until"]) == ("active", FIRST_PERIOD_END)


async def test_a_dry_run_of_now_in_grace_says_what_cancelling_does(shop: Shop) -> None:
    await shop.buy(plan_id="monthly")
    set_card(shop.stand_in.account, shop.only("customer")["id"], Card.DECLINES)
    shop.move(days=30.5)
    assert (await late(shop, "payment_failed"))["opens_all"]
    answers = [
        (await shop.post("subscription/cancel", when="now", dry_run=is_dry)).json()["access_until"]
        for is_dry in (True, False)
    ]
    assert answers == [FIRST_PERIOD_END, FIRST_PERIOD_END]
