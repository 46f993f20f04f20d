"""Prepaid time in random histories: the time that was opened is the time that was paid.

Each history plays in the database and in the slow model, which has to agree on the use of each
payment and on all access from then on. `PREPAID_HISTORIES=10000` plays that many on each database,
from the seed `PREPAID_FIRST` on.
"""

import os
from collections import Counter
from random import Random

import pytest

from paywall.database.engine import Database
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.conftest import PATIENT_SECONDS
from tests.histories.prepaid_steps import PrepaidHistory, fill

IS_SHORT = "PREPAID_HISTORIES" not in os.environ
HISTORIES = int(os.environ.get("PREPAID_HISTORIES", "60"))
FIRST = int(os.environ.get("PREPAID_FIRST", "0"))
# Each part has a database of its own, so that workers can share a long run.
PARTS = 1 if IS_SHORT else 10
STEPS = (6, 18)
# How often each rule is played at least in the short run, and to what effect.
FLOORS = {
    "time_moves on": 60, "buy month": 15, "buy quarter": 2, "buy year": 4, "buy week": 10,
    "buy ten": 8, "buy_at_once two": 5, "buy_at_once with_stripe": 4, "pay_stripe pass": 20,
    "subscribe trial": 6, "subscribe monthly": 4, "bill in_time": 15, "bill late": 1,
    "fail_payment past_due": 2, "fail_payment unpaid": 1, "fail_payment paused": 1,
    "switch rest": 2, "switch whole": 3, "end_at_stripe active": 2,
    "cancel_stripe_now covering": 1, "put_complimentary new": 12, "put_complimentary changed": 1,
    "cancel_now prepaid": 8, "cancel_now ended": 2, "take_back whole": 18, "take_back part": 10,
    "take_back pending": 4, "take_back inquiry": 4, "take_back keeping_access": 3,
    "give_back time": 6, "give_back settled": 1, "give_back escalated": 1,
    "merge both": 8, "merge one": 5, "deliver_one one": 4,
    "deliver_all several": 5, "effect interrupted": 10, "effect followed_months": 4,
    "effect removed_in_use": 6, "effect removed_unused": 15, "effect merged": 20,
    "effect credit_withdrawn": 2, "take_back_switch whole": 3,
}  # fmt: skip


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        database_url=database_url,
        request_timeout_seconds=PATIENT_SECONDS,
        grace_days=3,
        renewal_leeway_seconds=7200,
    )


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
async def test_any_prepaid_history_matches_the_model(
    database: Database, settings: Settings, part: int
) -> None:
    happened: Counter[str] = Counter()
    await fill(database)
    for seed in range(FIRST + part, FIRST + HISTORIES, PARTS):
        chance = Random(seed)
        history = PrepaidHistory(database, settings, chance, happened)
        try:
            await history.play(chance.randint(*STEPS))
        except Exception as error:
            error.add_note(f"PREPAID_FIRST={seed} PREPAID_HISTORIES=1")
            raise
    async with database.reading() as session:
        assert await audit(session) == []
    too_seldom = {item: happened[item] for item in FLOORS if happened[item] < FLOORS[item]}
    assert too_seldom == {} or not IS_SHORT


def test_each_prepaid_rule_is_played_often_enough() -> None:
    assert {item.partition(" ")[0] for item in FLOORS} == {*PrepaidHistory.RULES, "effect"}
