"""An export leaves nothing out: a table is told in it, or here is the reason why not."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from paywall.sandbox.stripe import checkout, disputes, refunds
from paywall.settings import Settings
from tests.conftest import START
from tests.processors.stripe.shop import PRICES, Shop
from tests.subscribers.test_erase import live
from tests.subscribers.test_merge import merge
from tests.test_story import grant

# Where in an export the rows of a table are told, each once.
EXPORTED = {
    "subscriber": "profile.on_record_since",
    "merge": "profile.merged_ids",
    "stripe_customer": "profile.stripe_customers",
    "revoked_subject": "profile.revocations",
    "credit_grant": "credits.grants",
    "ledger_entry": "credits.ledger",
    "unlock": "unlocks.unlocks",
    "unlock_payment": "unlocks.unlocks.payments",
    "subscription": "subscriptions.subscriptions",
    "stripe_subscription": "subscriptions.subscriptions.billing",
    "stripe_invoice": "subscriptions.subscriptions.billing.invoices",
    "complimentary_period": "subscriptions.complimentary_periods",
    "purchase": "purchases.purchases",
    "refund": "purchases.purchases.refunds",
    "withdrawal": "purchases.purchases.withdrawal",
    "checkout": "checkouts.checkouts",
    "metered_views": "views.months",
    "cancellation_receipt": "receipts.receipts",
}

# Of a payment by KHQR: tests/processors/bakong/test_confirm.py.
BY_KHQR = {
    "khqr_code": "checkouts.khqr_codes",
    "unmatched_payment": "checkouts.unmatched_payments",
}
NOT_TOLD = {
    "taking": "why credits were taken back: the ledger, the unlocks and the refunds tell it",
    "stripe_credit": "a line of an invoice: exported as a refund of the credited payment",
    "merged_sequence": "when an id was merged, which the profile names: orders prepaid time",
    "subscriber_totals": "numbers of rows that are all told",
    "idempotency_key": "answers of the last day, of which all is told; the profile says so",
    "stripe_event": "ids alone, for 45 days; the profile says so",
    "stripe_intent": "ids alone, for 30 days; the profile says so",
    "revoked_token": "names a token and no reader; the profile says so",
    "erased_stripe_id": "a hash, of a reader who was erased",
    "policy_change": "who of the site set an article's terms",
    "article": "the site's",
    "article_body": "the site's",
    "plan": "the site's",
    "pack": "the site's",
    "pass": "the site's",
    "stripe_price": "the site's; of what a reader bought the price is told",
    "stripe_state": "the service's own",
    "bakong_state": "the service's own",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, withdrawal_days=14)


def test_every_table_is_exported_or_has_a_reason() -> None:
    assert sorted([*EXPORTED, *BY_KHQR, *NOT_TOLD]) == sorted(SQLModel.metadata.tables)


async def everything(shop: Shop) -> None:
    """All that can be on record about ann, who was old before."""
    ten = {"title": "Ten", "credits": 10, "prices": PRICES}
    await shop.service.put("/v1/packs/ten", json=ten, headers=shop.bearer.site())
    await live(shop.service, shop.bearer, "ann", "42")
    await shop.buy("old", pack_id="six")
    await grant(shop.service, shop.bearer, "older", 1)
    for ids in (("older", "old"), ("old", "ann")):
        assert (await merge(shop.service, shop.bearer, *ids)).status_code == 200
    await shop.buy(plan_id="tried", consent=True)
    await shop.deliver_events()
    shop.move(days=8)
    await shop.deliver_events()
    ending = {"subscription_id": shop.only("subscription")["id"], "when": "period_end"}
    cancelled = await shop.post("subscription/cancel", **ending)
    assert cancelled.status_code == 200, cancelled.text
    revoked = await shop.service.post(
        "/v1/tokens/revoke",
        json={"subject": "ann", "issued_before": START.isoformat()},
        headers=shop.bearer.site("admin"),
    )
    assert revoked.status_code == 204, revoked.text
    await shop.buy(pack_id="six")
    await shop.deliver_events()
    newest = await shop.service.get("/v1/me/purchases", headers=shop.bearer.reader("ann"))
    withdrawn = await shop.post("withdrawals", purchase_id=newest.json()["items"][0]["id"])
    assert withdrawn.status_code == 201, withdrawn.text


async def export(shop: Shop) -> dict[str, Any]:
    answer = await shop.service.get("/v1/me/export", headers=shop.bearer.reader("ann"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def at(thing: Any, path: list[str]) -> Iterator[Any]:
    """All that stands at a path, in whatever lists there are on the way."""
    if isinstance(thing, list):
        for item in thing:
            yield from at(item, path)
    elif path and thing is not None:
        yield from at(thing[path[0]], path[1:])
    elif thing is not None:
        yield thing


async def test_every_row_is_exported(shop: Shop) -> None:
    await everything(shop)
    shown = await export(shop)
    numbers = {name: len(list(at(shown, path.split(".")))) for name, path in EXPORTED.items()}
    async with shop.database.reading() as session:
        connection = await session.connection()
        rows = {
            name: (
                await connection.execute(
                    sa.select(sa.func.count()).select_from(SQLModel.metadata.tables[name])
                )
            ).scalar_one()
            for name in EXPORTED
        }
    assert numbers == rows
    assert all(rows.values()), rows


async def test_an_export_has_the_readers_customers_and_earlier_ids(shop: Shop) -> None:
    await everything(shop)
    profile = (await export(shop))["profile"]
    assert profile["merged_ids"] == ["old", "older"]
    customers = {customer["id"] for customer in shop.stand_in.account.find_all("customer")}
    assert {customer["id"] for customer in profile["stripe_customers"]} == customers
    (revocation,) = profile["revocations"]
    assert revocation["issued_before"] == "2026-11-24T12:00:00Z"


async def test_an_export_shows_how_stripe_bills_a_subscription(shop: Shop) -> None:
    await shop.buy(plan_id="tried", currency="khr")
    shop.move(days=8)
    await shop.deliver_events()
    shown = await export(shop)
    (subscription,) = shown["subscriptions"]["subscriptions"]
    billing = subscription["billing"]
    assert (billing["status"], billing["payment_type"]) == ("active", "card")
    assert billing["card"] == {"brand": "visa", "last4": "4242"}
    assert billing["failed_payment"] is None
    assert billing["customer_id"] == shop.only("customer")["id"]
    assert billing["trial_starts_at"] == "2026-11-24T12:00:00Z"
    assert billing["trial_ends_at"] == "2026-12-01T12:00:00Z"
    assert billing["next_payment"] == subscription["paid_through"] == "2027-01-01T12:00:00Z"
    assert billing["what"] == "Costs 24,000 KHR a period, before any discount."
    assert billing["price"] == {"amount": 2_400_000, "currency": "khr"}
    purchases = {purchase["id"]: purchase for purchase in shown["purchases"]["purchases"]}
    paid = billing["invoices"][0]
    assert paid["period_ends_at"] == "2027-01-01T12:00:00Z"
    assert purchases[paid["purchase_id"]]["what"] == "Paid 24,000 KHR for the plan tried."


async def test_an_export_has_a_checkouts_state_and_the_readers_consent(shop: Shop) -> None:
    expected = {
        "open": "You opened the payment page for the pack six at 6 USD and have not paid yet.",
        "processing": "You paid for the pack six at 6 USD, and the bank still has to confirm it.",
        "paid": "You bought the pack six at 6 USD, before any discount.",
        "expired": "You did not pay for the pack six at 6 USD, and the payment page has expired.",
    }

    async def checkouts() -> list[dict[str, Any]]:
        await shop.deliver_events()
        return list((await export(shop))["checkouts"]["checkouts"])

    async def shown() -> list[tuple[str, str]]:
        return [(one["status"], one["what"]) for one in await checkouts()]

    page = (await shop.open(pack_id="six", consent=True)).json()
    assert await shown() == [("open", expected["open"])]
    (opened,) = await checkouts()
    assert opened["consent_at"] == opened["created_at"] == "2026-11-24T12:00:00Z"
    assert opened["url"] == page["url"]
    assert opened["price"] == {"amount": 600, "currency": "usd"}
    shop.pay(page["url"].rpartition("/")[2])
    assert await shown() == [("paid", expected["paid"])]
    (paid,) = await checkouts()
    purchases = (await export(shop))["purchases"]["purchases"]
    assert [paid["purchase_id"]] == [purchase["id"] for purchase in purchases]
    shop.move(days=0.1)
    later = await shop.buy(pack_id="six", later=True)
    assert (await shown())[0] == ("processing", expected["processing"])
    assert (await checkouts())[0]["consent_at"] is None
    checkout.settle_session(shop.stand_in.account, later["session_id"], paid=False)
    assert (await shown())[0] == ("expired", expected["expired"])


async def test_an_export_describes_refunds_and_disputes_in_words(shop: Shop) -> None:
    await shop.buy(pack_id="six")
    account, charge_id = shop.stand_in.account, shop.only("charge")["id"]

    async def shown() -> list[str]:
        await shop.deliver_events()
        (purchase,) = (await export(shop))["purchases"]["purchases"]
        return [refund["what"] for refund in purchase["refunds"]]

    refund = refunds.create_pending_refund(account, charge_id, 150)
    assert await shown() == ["A refund of 1.50 USD is in progress."]
    refunds.complete_refund(account, refund["id"])
    assert await shown() == ["1.50 USD was refunded."]
    refunds.fail_refund(account, refund["id"])
    assert await shown() == ["A refund of 1.50 USD failed."]
    inquiry = disputes.open_dispute(account, charge_id, inquiry=True)
    assert (await shown())[0] == "Your bank is asking about 6 USD."
    disputes.escalate_inquiry(account, inquiry["id"])
    assert (await shown())[0] == "Your bank took 6 USD back."
    disputes.close_dispute(account, inquiry["id"], won=True)
    assert (await shown())[0] == "Your bank asked about 6 USD, and the payment stands."
