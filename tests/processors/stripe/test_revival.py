"""A dispute revokes unlocks; when it is won they are revived, if their credits are still there."""

from collections.abc import Sequence

import pytest

from paywall.credits.expiry import record_expired
from paywall.sandbox.stripe import disputes
from paywall.server.housekeeping import run_housekeeping_once
from paywall.subscribers.audit import audit
from tests.processors.stripe.shop import Shop
from tests.test_story import check, grant, put_article, unlock

Entries = list[tuple[str, str, int]]


async def dispute(shop: Shop) -> str:
    """The payer's bank takes the whole price of the pack back; the dispute's id."""
    opened = disputes.open_dispute(shop.stand_in.account, shop.only("charge")["id"], inquiry=False)
    await shop.deliver_events()
    return str(opened["id"])


async def win(shop: Shop, dispute_id: str) -> None:
    disputes.close_dispute(shop.stand_in.account, dispute_id, won=True)
    await shop.deliver_events()


async def is_unlocked(shop: Shop, *articles: str) -> list[bool]:
    decisions = [await check(shop.service, shop.bearer, item, reader_id="ann") for item in articles]
    return [decision["reason"] == "unlocked" for decision in decisions]


async def entries(shop: Shop) -> Entries:
    """Ann's ledger, oldest first: kind, source and credits; the audit proves it."""
    async with shop.database.reading() as session:
        assert await audit(session) == []
    ledger = await shop.service.get("/v1/me/ledger", headers=shop.bearer.reader("ann"))
    return [(e["kind"], e["source"], e["amount"]) for e in reversed(ledger.json()["items"])]


async def buy_and_unlock(shop: Shop, *articles: tuple[str, int]) -> None:
    await shop.buy(pack_id="six")
    await shop.deliver_events()
    for article_id, cost in articles:
        await put_article(shop.service, shop.bearer, article_id, unlock_cost=cost)
        shop.move(days=1)
        opened = await unlock(shop.service, shop.bearer, "ann", article_id)
        assert opened.status_code == 201, opened.text


async def gift(shop: Shop, amount: int, **fields: object) -> None:
    """Credits that are spent before those of the pack."""
    given = await grant(shop.service, shop.bearer, "ann", amount, priority=50, **fields)
    assert given.status_code == 201, given.text


def of_pack(*changes: tuple[str, int]) -> Entries:
    return [(kind, "purchase", amount) for kind, amount in changes]


async def test_a_dispute_that_is_won_gives_back_what_it_took(shop: Shop) -> None:
    await buy_and_unlock(shop, ("a", 1), ("b", 3))
    opened = await dispute(shop)
    assert (await is_unlocked(shop, "a", "b"), (await shop.me())["unlocks_left"]) == (
        [False, False], 0,
    )  # fmt: skip
    await win(shop, opened)
    assert (await is_unlocked(shop, "a", "b"), (await shop.me())["unlocks_left"]) == (
        [True, True], 2,
    )  # fmt: skip
    shown = await entries(shop)
    taken = [("granted", 6), ("spent", -1), ("spent", -3)]
    assert shown[:3] == of_pack(*taken)
    assert sorted(shown[3:6]) == of_pack(("restored", 1), ("restored", 3), ("voided", -6))
    assert sorted(shown[6:]) == of_pack(("restored", 6), ("spent", -3), ("spent", -1))
    again = await unlock(shop.service, shop.bearer, "ann", "b")
    assert (again.status_code, again.json()["unlock"]["revoked_at"]) == (200, None)


async def test_what_was_revived_is_revoked_by_the_next_dispute(shop: Shop) -> None:
    await buy_and_unlock(shop, ("a", 4))
    await win(shop, await dispute(shop))
    await dispute(shop)
    assert (await is_unlocked(shop, "a"), (await shop.me())["unlocks_left"]) == ([False], 0)
    assert (await entries(shop))[-2:] == of_pack(("restored", 4), ("voided", -6))


async def test_what_was_unlocked_again_is_not_revived_and_its_credits_come_back(
    shop: Shop,
) -> None:
    await buy_and_unlock(shop, ("a", 4))
    opened = await dispute(shop)
    await gift(shop, 4)
    await unlock(shop.service, shop.bearer, "ann", "a")
    await win(shop, opened)
    assert (await is_unlocked(shop, "a"), (await shop.me())["unlocks_left"]) == ([True], 6)
    listed = await shop.service.get("/v1/subscribers/ann/unlocks", headers=shop.bearer.site())
    in_force = [u["payments"] for u in listed.json()["items"] if u["revoked_at"] is None]
    assert [[payment["amount"] for payment in payments] for payments in in_force] == [[4]]
    assert (await entries(shop))[-2:] == [("spent", "promotion", -4), ("restored", "purchase", 6)]


async def test_an_unlock_whose_other_credits_were_spent_meanwhile_is_not_revived(
    shop: Shop,
) -> None:
    await gift(shop, 1)
    await buy_and_unlock(shop, ("a", 7))
    opened = await dispute(shop)
    assert (await shop.me())["unlocks_left"] == 1
    await put_article(shop.service, shop.bearer, "b")
    await unlock(shop.service, shop.bearer, "ann", "b")
    await win(shop, opened)
    assert await is_unlocked(shop, "a", "b") == [False, True]
    assert (await shop.me())["unlocks_left"] == 6
    assert (await entries(shop))[-1] == ("restored", "purchase", 6)


@pytest.mark.parametrize("end", ["expired", "voided"])
async def test_credits_that_lapsed_meanwhile_are_still_there_for_a_revival(
    shop: Shop, end: str
) -> None:
    await gift(shop, 2, expires_at="2026-11-26T12:00:00Z")
    await buy_and_unlock(shop, ("a", 7))
    opened = await dispute(shop)
    if end == "expired":
        shop.move(days=2)
        await run_housekeeping_once(shop.database, [record_expired])
    else:
        (given,) = (await shop.me())["grants"]
        path = f"/v1/subscribers/ann/grants/{given['id']}/void"
        voided = await shop.service.post(path, headers=shop.bearer.site())
        assert voided.is_success, voided.text
    await win(shop, opened)
    assert await is_unlocked(shop, "a") == [True]
    assert (await shop.me())["unlocks_left"] == 1
    shown = await entries(shop)
    assert _of(shown, "promotion") == [
        ("granted", 2), ("spent", -2), ("restored", 2), (end, -2), ("restored", 2), ("spent", -2),
    ]  # fmt: skip
    assert _of(shown, "purchase") == [
        ("granted", 6), ("spent", -5), ("restored", 5), ("voided", -6), ("restored", 6),
        ("spent", -5),
    ]  # fmt: skip


def _of(shown: Sequence[tuple[str, str, int]], source: str) -> list[tuple[str, int]]:
    return [(kind, amount) for kind, from_, amount in shown if from_ == source]


async def test_the_audit_passes_when_the_clock_was_set_back_between_disputes(
    shop: Shop,
) -> None:
    await buy_and_unlock(shop, ("a", 1))
    await win(shop, await dispute(shop))
    shop.clock.move(seconds=-10)
    await dispute(shop)
    assert await entries(shop)
    assert await is_unlocked(shop, "a") == [False]
