"""What the bank confirms is given, once; everything else waits for the site to decide."""

import asyncio

import pytest

from paywall.processors.bakong.state import take_lease
from paywall.processors.bakong.sweeper import sweep
from paywall.subscribers.audit import audit
from tests.processors.bakong.till import Till

OTHERWISE = {
    "amount": {"amount": "5.99"},
    "currency": {"currency": "KHR"},
    "payee": {"payee": "somebody_else@bank"},
}


async def _assert_consistent(till: Till) -> None:
    async with till.database.reading() as session:
        assert await audit(session) == []


async def test_a_payment_is_given_once_whoever_asks(till: Till) -> None:
    page = await till.open()
    payment = till.pay(page)
    shown = await asyncio.gather(*(till.checkout(page) for _ in range(5)))
    assert any(answer["status"] == "paid" for answer in shown)
    till.move(seconds=5)
    await sweep(till.context, whole=True)
    paid = await till.checkout(page)
    assert (paid["status"], paid["url"]) == ("paid", None)
    (purchase,) = await till.site_get("purchases")
    assert paid["purchase_id"] == purchase["id"]
    wanted = {"processor": "bakong", "reference": payment.hash, "amount_paid": 600}
    assert purchase | wanted == purchase
    assert (await till.me())["unlocks_left"] == 6
    assert await till.site_get("unmatched-payments") == []
    await _assert_consistent(till)


async def test_the_bank_is_asked_once_in_two_seconds(till: Till) -> None:
    page = await till.open()
    calls = len(till.bank.calls)
    await asyncio.gather(*(till.checkout(page) for _ in range(10)))
    await till.service.head(f"/v1/me/checkout/{page['id']}", headers=till.bearer.reader("ann"))
    assert len(till.bank.calls) == calls + 1
    till.move(seconds=1)
    await till.checkout(page)
    assert len(till.bank.calls) == calls + 1
    till.move(seconds=1)
    await till.service.head(f"/v1/me/checkout/{page['id']}", headers=till.bearer.reader("ann"))
    assert len(till.bank.calls) == calls + 1
    await till.checkout(page)
    assert len(till.bank.calls) == calls + 2


@pytest.mark.parametrize("reason", OTHERWISE)
async def test_another_payment_is_left_to_the_site(till: Till, reason: str) -> None:
    page = await till.open()
    payment = till.pay(page, **OTHERWISE[reason])
    assert (await till.checkout(page))["status"] == "open"
    assert (await till.me())["unlocks_left"] == 0
    (unmatched,) = await till.site_get("unmatched-payments?outstanding=true")
    wanted = {"checkout_id": page["id"], "hash": payment.hash, "reason": reason}
    assert unmatched | wanted == unmatched
    till.move(seconds=5)
    till.pay(page)
    # The bank reports one of the two at a time.
    await till.sweep_for(days=1)
    assert (await till.checkout(page))["status"] == "paid"
    assert (await till.me())["unlocks_left"] == 6
    assert len(await till.site_get("unmatched-payments")) == 1
    await _assert_consistent(till)


async def test_a_second_payment_is_left_to_the_site(till: Till) -> None:
    page = await till.open(pass_id="week")
    till.pay(page)
    assert (await till.checkout(page))["status"] == "paid"
    second = till.pay(page)
    await till.sweep_for(days=3)
    (unmatched,) = await till.site_get("unmatched-payments?outstanding=true")
    assert (unmatched["reason"], unmatched["hash"]) == ("second_payment", second.hash)
    assert len(await till.site_get("purchases")) == 1
    path = f"unmatched-payments/{unmatched['id']}/resolution"
    given = await till.site_post(path, resolution="give", note="asked by telephone")
    again = await till.site_post(path, resolution="give")
    assert given.status_code == again.status_code == 200, given.text
    assert again.json() == given.json()
    assert (given.json()["resolution"], given.json()["resolved_by"]) == ("given", "site")
    assert [one["access_until"] for one in (await till.me())["subscriptions"]]
    assert len(await till.site_get("purchases")) == 2
    refused = await till.site_post(path, resolution="returned")
    assert refused.json()["type"] == "/problems/unmatched_payment_resolved"
    assert await till.site_get("unmatched-payments?outstanding=true") == []
    await _assert_consistent(till)


async def test_too_little_can_be_given_or_returned(till: Till) -> None:
    ids = []
    for reader in ("ann", "bo"):
        page = await till.open(reader)
        till.pay(page, amount="5")
        await till.checkout(page, reader)
        ids.append(page["id"])
    answers = {}
    for unmatched, resolution in zip(
        sorted(await till.site_get("unmatched-payments"), key=lambda one: str(one["reader_id"])),
        ("give", "returned"),
        strict=True,
    ):
        path = f"unmatched-payments/{unmatched['id']}/resolution"
        resolved = await till.site_post(path, resolution=resolution)
        answers[resolution] = resolved.json()
    (purchase,) = await till.site_get("purchases")
    assert (purchase["amount_paid"], purchase["reader_id"]) == (500, "ann")
    assert answers["give"]["purchase_id"] == purchase["id"]
    assert answers["returned"]["purchase_id"] is None
    assert [(await till.me(name))["unlocks_left"] for name in ("ann", "bo")] == [6, 0]
    await _assert_consistent(till)


async def test_one_payment_reported_for_two_codes_gives_one(till: Till) -> None:
    one, other = await till.open("ann"), await till.open("bo")
    payment = till.pay(one)
    till.pay(other, hash_=payment.hash)
    assert (await till.checkout(one, "ann"))["status"] == "paid"
    assert (await till.checkout(other, "bo"))["status"] == "open"
    assert [(await till.me(name))["unlocks_left"] for name in ("ann", "bo")] == [6, 0]
    assert len(await till.site_get("purchases")) == 1
    await _assert_consistent(till)


async def test_a_late_payment_is_given_by_the_sweeper(till: Till) -> None:
    page = await till.open()
    till.move(hours=1)
    assert (await till.checkout(page))["status"] == "expired"
    till.pay(page)
    await till.sweep_for(days=2)
    assert (await till.checkout(page))["status"] == "paid"


async def test_an_outage_loses_nothing(till: Till) -> None:
    page = await till.open()
    till.pay(page)
    till.bank.is_down = True
    shown = await till.checkout(page)
    assert (shown["status"], shown["khqr"]["answered_at"]) == ("open", None)
    with pytest.raises(Exception, match="Bakong failed"):
        till.move(hours=1)
        await sweep(till.context)
    till.bank.is_down = False
    till.move(seconds=5)
    await sweep(till.context)
    assert (await till.checkout(page))["status"] == "paid"


async def test_one_process_sweeps_at_a_time(till: Till) -> None:
    pages = [await till.open(f"reader{n}") for n in range(60)]
    for page in pages[::20]:
        till.pay(page)
    till.move(seconds=30)
    till.bank.answers.clear()
    till.bank.asked.clear()
    till.bank.at_once_most = 0
    first = asyncio.create_task(sweep(till.context))
    await till.bank.asked.wait()
    others = asyncio.gather(*(sweep(till.context) for _ in range(2)))
    done, _ = await asyncio.wait([others], timeout=1)
    till.bank.answers.set()
    assert await others == [None, None]
    assert done
    outcomes = await first
    assert outcomes is not None
    assert (sum(outcomes.values()), till.bank.at_once_most) == (3, 1)
    assert set(till.bank.questions.values()) == {1, 2}
    assert len(await till.site_get("purchases")) == 3


async def test_a_killed_sweeper_is_replaced_after_a_minute(till: Till) -> None:
    page = await till.open()
    till.pay(page)
    till.move(seconds=30)
    async with till.database.writing() as session:
        assert await take_lease(session, "killed", till.clock.at)
    till.move(seconds=59)
    assert await sweep(till.context) is None
    till.move(seconds=1)
    await sweep(till.context)
    assert (await till.checkout(page))["status"] == "paid"


async def test_after_seven_days_nobody_asks(till: Till) -> None:
    page = await till.open()
    await till.sweep_for(days=7)
    asked = till.bank.questions.total()
    assert 10 < asked < 40
    await till.sweep_for(days=2)
    await till.checkout(page)
    await sweep(till.context, whole=True)
    assert till.bank.questions.total() == asked


async def test_a_reader_is_erased_after_the_bank_was_asked(till: Till) -> None:
    page = await till.open()
    lost = await till.open(pass_id="week")
    till.pay(page)
    till.bank.is_down = True
    assert await till.erase() == 503
    assert (await till.checkout(page))["status"] == "open"
    till.bank.is_down = False
    till.move(seconds=5)
    assert await till.erase() == 204
    (purchase,) = await till.site_get("purchases")
    assert purchase["reader_id"].startswith("erased_")
    till.pay(lost)
    await till.sweep_for(days=1)
    (unmatched,) = await till.site_get("unmatched-payments")
    assert unmatched["reason"] == "reader_erased"
    path = f"unmatched-payments/{unmatched['id']}/resolution"
    refused = await till.site_post(path, resolution="give")
    assert refused.json()["type"] == "/problems/reader_erased"
    assert (await till.site_post(path, resolution="returned")).status_code == 200
    assert (await till.me())["unlocks_left"] == 0
    await _assert_consistent(till)


async def test_a_merged_reader_keeps_codes_and_payments(till: Till) -> None:
    page = await till.open("ann")
    wrong = await till.open("ann", pass_id="week")
    till.pay(wrong, amount="1")
    await till.checkout(wrong)
    merged = await till.site_post("subscribers/ann/merge", into="bo")
    assert merged.status_code == 200, merged.text
    till.pay(page)
    till.move(seconds=5)
    assert (await till.checkout(page, "bo"))["status"] == "paid"
    assert (await till.me("bo"))["unlocks_left"] == 6
    (unmatched,) = await till.site_get("unmatched-payments")
    assert unmatched["reader_id"] == "bo"
    exported = await till.service.get("/v1/me/export", headers=till.bearer.reader("bo"))
    section = exported.json()["checkouts"]
    assert {code["id"]: code["status"] for code in section["khqr_codes"]} == {
        page["id"]: "paid", wrong["id"]: "open",
    }  # fmt: skip
    assert [one["id"] for one in section["unmatched_payments"]] == [unmatched["id"]]
    await _assert_consistent(till)


async def test_consent_to_a_code_ends_the_right_to_withdraw(till: Till) -> None:
    page = await till.open(pass_id="week", consent=True)
    till.pay(page)
    paid = await till.checkout(page)
    body = {"purchase_id": paid["purchase_id"]}
    headers = till.bearer.reader("ann")
    refused = await till.service.post("/v1/me/withdrawals", json=body, headers=headers)
    assert refused.json()["type"] == "/problems/withdrawal_lost"
