"""A subscription that another system began in Stripe is linked to its reader by a request."""

import asyncio

import httpx
import pytest
from sqlmodel import select

from paywall.database.tables import Purchase, StripeCustomer, Subscription
from paywall.processors.stripe.prices import current_price
from paywall.rules.enums import ProductKind
from paywall.sandbox.stripe.faults import Fault
from paywall.subscribers.audit import audit
from paywall.subscriptions import api
from tests.processors.stripe.old_subscriptions import begin_old_subscription
from tests.processors.stripe.shop import Shop


def old(shop: Shop) -> str:
    return begin_old_subscription(shop.stand_in.account).id


async def of_catalogue(shop: Shop) -> str:
    """A subscription at the price of the plan `monthly`, begun by another program."""
    async with shop.database.reading() as session:
        price = await current_price(session, ProductKind.PLAN, "monthly", "usd")
    assert price is not None
    return begin_old_subscription(shop.stand_in.account, price.id).id


async def link_to(
    shop: Shop, reader_id: str, subscription_id: str, key: str | None = None, **fields: object
) -> httpx.Response:
    return await shop.service.post(
        f"/v1/subscribers/{reader_id}/subscriptions/link",
        json={"processor": "stripe", "reference": subscription_id, **fields},
        headers={
            **shop.bearer.site("subscribers:write"),
            **({"Idempotency-Key": key} if key else {}),
        },
    )


async def on_record(shop: Shop) -> list[str]:
    async with shop.database.reading() as session:
        assert await audit(session) == []
        found = [
            *(await session.exec(select(Subscription))),
            *(await session.exec(select(StripeCustomer))),
            *(await session.exec(select(Purchase))),
        ]
    return sorted(str(row) for row in found)


async def test_a_linked_subscription_opens_articles_and_is_mirrored(shop: Shop) -> None:
    subscription_id = old(shop)
    shop.move(days=3)
    linked = await link_to(shop, "ann", subscription_id, plan_id="monthly")
    assert linked.status_code == 201, linked.text
    assert (linked.json()["id"], linked.json()["kind"]) == (subscription_id, "stripe")
    assert linked.json()["plan_id"] == "monthly"
    mine = (await shop.me())["subscription"]
    assert mine["access_until"] == "2026-12-24T12:00:00Z"
    shop.move(days=30)
    assert set(await shop.deliver_events()) == {200}
    assert (await shop.me())["subscription"]["access_until"] == "2027-01-24T12:00:00Z"
    assert (await shop.post("subscription/cancel", when="period_end")).status_code == 200
    assert shop.only("subscription")["cancel_at_period_end"]


async def test_linking_again_changes_nothing(shop: Shop) -> None:
    subscription_id = old(shop)
    first = await link_to(shop, "ann", subscription_id, plan_id="monthly")
    before = (await shop.me(), [row for row in await on_record(shop) if "version" not in row])
    again = await link_to(shop, "ann", subscription_id)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    after = (await shop.me(), [row for row in await on_record(shop) if "version" not in row])
    assert after == before


async def test_a_price_of_the_catalogue_names_the_plan_and_grants_its_credits(shop: Shop) -> None:
    subscription_id = await of_catalogue(shop)
    linked = await link_to(shop, "ann", subscription_id)
    assert (linked.status_code, linked.json()["plan_id"]) == (201, "monthly")
    assert (await shop.me())["unlocks_left"] == 2


async def test_another_readers_subscription_is_refused(shop: Shop) -> None:
    subscription_id = old(shop)
    await link_to(shop, "ann", subscription_id, plan_id="monthly")
    before = await on_record(shop)
    refused = await link_to(shop, "bo", subscription_id, plan_id="monthly")
    assert (refused.status_code, refused.json()["type"]) == (
        409,
        "/problems/reference_conflict",
    )
    assert await on_record(shop) == before


async def test_two_readers_at_once_cannot_both_have_a_subscription(shop: Shop) -> None:
    subscription_id = old(shop)
    answers = await asyncio.gather(
        *(link_to(shop, reader, subscription_id, plan_id="monthly") for reader in ("ann", "bo"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    await on_record(shop)


async def test_a_subscription_that_stripe_does_not_have_is_refused(shop: Shop) -> None:
    refused = await link_to(shop, "ann", "sub_unknown", plan_id="monthly")
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/subscription_unknown")
    assert "sub_unknown" in refused.json()["detail"]
    assert await on_record(shop) == []


async def test_a_price_outside_the_catalogue_needs_the_plan_it_stands_for(shop: Shop) -> None:
    subscription_id = old(shop)
    for plan_id in (None, "nope"):
        refused = await link_to(shop, "ann", subscription_id, plan_id=plan_id)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["plan_id"]
    assert "PUT /v1/plans/" in (await link_to(shop, "ann", subscription_id)).json()["detail"]
    assert await on_record(shop) == []


async def test_what_stripe_does_not_answer_gives_no_access_and_can_be_repeated(shop: Shop) -> None:
    subscription_id = old(shop)
    shop.stand_in.faults.plan(Fault.SERVER_ERROR_BEFORE, "GET", "/v1/invoices/.*", times=3)
    failed = await link_to(shop, "ann", subscription_id, "once", plan_id="monthly")
    assert failed.status_code == 503
    assert (await shop.me())["access_until"] is None
    again = await link_to(shop, "ann", subscription_id, "once", plan_id="monthly")
    assert again.status_code == 201
    assert (await shop.me())["access_until"] == "2026-12-24T12:00:00Z"


async def test_an_erased_readers_subscription_is_not_linked_again(shop: Shop) -> None:
    subscription_id = old(shop)
    await link_to(shop, "ann", subscription_id, plan_id="monthly")
    erased = await shop.service.delete("/v1/subscribers/ann", headers=shop.bearer.site())
    assert erased.status_code == 204
    refused = await link_to(shop, "ann", subscription_id, plan_id="monthly")
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/subscription_unknown")


async def test_no_more_than_the_newest_invoices_are_recorded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LINKED_INVOICES_MAX", 2)
    subscription_id = old(shop)
    shop.move(days=95)
    await link_to(shop, "ann", subscription_id, plan_id="monthly")
    assert (await shop.me())["subscription"]["access_until"] == "2027-03-24T12:00:00Z"
    assert sum("amount_paid" in row for row in await on_record(shop)) == 2


async def test_a_key_gets_the_first_answer_and_no_other_request(shop: Shop) -> None:
    subscription_id = old(shop)
    first = await link_to(shop, "ann", subscription_id, "once", plan_id="monthly")
    again = await link_to(shop, "ann", subscription_id, "once", plan_id="monthly")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    other = await link_to(shop, "ann", old(shop), "once", plan_id="monthly")
    assert other.json()["type"] == "/problems/idempotency_key_reused"
