"""Stripe subscriptions of readers whom the plug-in for WordPress moves over by requests."""

from typing import Any

from sqlmodel import select

from paywall.database.tables import Subscription
from tests.contract.from_wordpress import meta_rows
from tests.processors.stripe.old_subscriptions import begin_old_subscription
from tests.processors.stripe.shop import Shop

Json = dict[str, Any]
STATUS, STRIPE = "wp_pencipw_subscribe_status", "wp_pencipw_stripe_subs_id"


async def move(shop: Shop, *, dry_run: bool, **stripe_ids: str) -> list[Json]:
    """Move users with these numbers, such as `u7`, who have Stripe subscriptions."""
    users = [
        {"id": int(name[1:]), "rows": meta_rows([(STATUS, "ACTIVE"), (STRIPE, stripe_id)])}
        for name, stripe_id in stripe_ids.items()
    ]
    answer = await shop.service.post(
        "/v1/imports/wordpress",
        json={"settings": {"plugin": "penci"}, "users": users, "dry_run": dry_run},
        headers=shop.bearer.site(),
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["readers"])


async def readers_on_record(shop: Shop) -> list[str]:
    async with shop.database.reading() as session:
        return sorted(one.reader_id for one in await session.exec(select(Subscription)))


def kinds(reader: Json) -> list[str]:
    return [oddity["kind"] for oddity in reader["oddities"]]


async def test_a_dry_run_asks_stripe_and_the_import_links_once(shop: Shop) -> None:
    stripe_id = begin_old_subscription(shop.stand_in.account).id
    (tried,) = await move(shop, dry_run=True, u7=stripe_id)
    assert await readers_on_record(shop) == []
    (first,) = await move(shop, dry_run=False, u7=stripe_id)
    assert tried == first
    assert first["new"]["stripe_ids"] == [stripe_id]
    assert first["after"]["access_until"] is not None
    (again,) = await move(shop, dry_run=False, u7=stripe_id)
    assert (again["new"]["stripe_ids"], again["after"]) == ([], first["after"])
    assert await readers_on_record(shop) == ["7"]


async def test_a_subscription_of_two_readers_is_listed_for_the_second(shop: Shop) -> None:
    stripe_id = begin_old_subscription(shop.stand_in.account).id
    one, other = await move(shop, dry_run=True, u7=stripe_id, u8=stripe_id)
    assert ("stripe_shared" in kinds(one), "stripe_shared" in kinds(other)) == (False, True)
    await move(shop, dry_run=False, u7=stripe_id)
    # In another part of the same run.
    (later,) = await move(shop, dry_run=False, u8=stripe_id)
    assert "stripe_shared" in kinds(later)
    assert await readers_on_record(shop) == ["7"]


async def test_a_subscription_that_stripe_lacks_is_left_to_do(shop: Shop) -> None:
    (reader,) = await move(shop, dry_run=False, u7="sub_missing")
    assert kinds(reader) == ["stripe_not_linked"]
    assert reader["oddities"][0]["is_to_do"]
    assert await readers_on_record(shop) == []
