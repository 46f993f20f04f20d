"""Random histories: the real store and the slow model answer alike, and the audit passes.

The histories of `make test` follow from their seeds alone, and so does how often each rule was
played in them, and to what effect: too seldom is a failure. `HYPOTHESIS_PROFILE=long` plays many
others, and makes one that fails as short as it can.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random

import hypothesis
import pytest
from hypothesis import strategies as st

from paywall.database.engine import Database
from paywall.settings import Settings
from paywall.subscribers.audit import Violation, audit
from tests.conftest import IS_LONG, SetClock
from tests.histories.base import ZONE, Store
from tests.histories.payments import Payments, fill_catalogue
from tests.histories.support import SupportDesk

HISTORIES = 24
STEPS = 36
# How often each rule is played at least, and to what effect; `settle` follows every refund.
FLOORS = {
    "time_moves on": 30, "run_housekeeping done": 6,
    "put_article premium": 10, "put_article metered": 5, "delete_article known": 10,
    "grant new": 25, "void credits": 10, "view metered": 10, "view unlocked": 10,
    "unlock new": 5, "unlock price_changed": 4, "unlock_next new": 25,
    "unlock_next subscribed": 10, "give_subscription given": 8,
    "buy five": 8, "buy four-for-six-days": 6, "buy two-days": 10, "buy week": 8,
    "take_back refund": 25, "take_back dispute": 25, "take_back keeping_access": 15,
    "take_back too_large": 4, "change_refund withdrawn": 40, "change_refund in_force": 20,
    "settle took_credits": 60, "settle gave_credits_back": 30, "settle revoked": 25,
    "settle revived": 10, "settle unlocked_again": 4, "settle lapsed": 3,
    "give new": 10, "give same": 6, "revoke unlock": 4, "merge known": 6, "erase kept": 8,
}  # fmt: skip


class History(Payments, SupportDesk):
    """All rules together."""

    RULES = Payments.RULES | SupportDesk.RULES


@pytest.fixture
def store(database_url: str, clock: SetClock) -> Iterator[Store]:
    settings = Settings(database_url=database_url, meter_timezone=ZONE, meter_limit=2)
    with asyncio.Runner() as runner:
        database = Database(settings, clock)
        try:
            runner.run(_fill_catalogue(database))
            yield Store(runner, database, clock, settings)
        finally:
            runner.run(database.close())


def test_any_history_matches_the_model(store: Store) -> None:
    happened: Counter[str] = Counter()
    for seed in range(HISTORIES):
        History(store, Random(seed), happened).play(STEPS)
        assert store.runner.run(_audit(store.database)) == [], seed
    too_seldom = {item: happened[item] for item in FLOORS if happened[item] < FLOORS[item]}
    assert too_seldom == {}


def test_each_rule_runs_often_enough() -> None:
    assert {item.partition(" ")[0] for item in FLOORS} == {*History.RULES, "settle"}


@hypothesis.settings(
    max_examples=1000 if IS_LONG else 2,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(st.randoms(use_true_random=False))
def test_any_generated_history_matches_the_model(store: Store, chance: Random) -> None:
    History(store, chance, Counter()).play(chance.randint(1, STEPS))
    assert store.runner.run(_audit(store.database)) == []


async def _fill_catalogue(database: Database) -> None:
    async with database.writing() as session:
        await fill_catalogue(session)


async def _audit(database: Database) -> list[Violation]:
    async with database.reading() as session:
        return await audit(session)
