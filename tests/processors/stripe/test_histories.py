"""Whatever happens in Stripe, and however it is told of: the end is that of telling all in order.

Each history is played twice. Once every event is delivered at once and in its order; once events
are held back, shuffled, repeated and given to two workers at the same time, while the history goes
on and answers of Stripe's are overtaken. Before anything is asked of the service that depends on
them all have arrived, or, where some are dropped, a reconcile follows. Both times what is recorded
in the end is what is true in Stripe.

STRIPE_HISTORIES=1000 make test TESTS=tests/processors/stripe/test_histories.py plays many;
STRIPE_FIRST=1000 plays others.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlmodel import col, select

from paywall.database.tables import LedgerEntry, Refund
from paywall.rules.enums import ClawbackKind, EntryKind
from paywall.subscribers.audit import audit
from tests.conftest import IS_LONG, _new_postgres_database
from tests.processors.stripe.histories import STEPS, Played, history
from tests.processors.stripe.stage import Stage, stage
from tests.processors.stripe.truth import as_recorded, in_stripe, second_trials

HISTORIES = int(os.environ.get("STRIPE_HISTORIES", "9"))
HISTORIES_ON_SQLITE = HISTORIES if IS_LONG else 3
FIRST = int(os.environ.get("STRIPE_FIRST", "2"))
# How often each step is taken at least in the histories of `make test`, and to what effect: their
# seeds were chosen for it, and fifty others may lack one.
FLOORS = {
    "pay": 2, "settle": 2, "card": 3, "cancel": 2, "resume": 1, "switch": 8, "pause": 6,
    "change": 1, "set_end": 4, "end_with_credit": 1, "prorated": 9, "set_quantity": 2, "add_on": 9,
    "subscribe": 6, "desk_trial": 2, "subscribed_again": 1,
    "refund": 2, "begin_refund": 1, "settle_refund": 1, "fail_refund": 1,
    "dispute": 6, "escalate": 3, "close": 4, "wait": 6, "unlock": 10, "cancel_now": 8,
    "unlocked": 2, "revoked": 7, "revived": 2,
}  # fmt: skip
# Histories on one stage: it is taken down before the service would keep house by itself.
A_STAGE = 50


@pytest.fixture
def new_address(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[str], str]:
    """The address of one more migrated database, by a name."""

    kind = "sqlite" if database_kind == "sqlite" else "postgres"
    template: Any = request.getfixturevalue(f"{kind}_template")

    def make(name: str) -> str:
        if database_kind == "sqlite":
            shutil.copy(template, tmp_path / f"{name}.sqlite3")
            return f"sqlite:///{tmp_path / name}.sqlite3"
        return _new_postgres_database(template.rpartition("/")[0], "template_paywall")

    return make


@pytest.mark.slow
async def test_any_order_of_delivery_ends_as_in_order(
    database_kind: str, new_address: Callable[[str], str], tmp_path: Path
) -> None:
    happened: Counter[str] = Counter()
    # PostgreSQL gets more of them: there two services handle the events at the same time.
    number = HISTORIES if database_kind == "postgresql" else HISTORIES_ON_SQLITE
    for first in range(FIRST, FIRST + number, A_STAGE):
        async with stage(new_address(f"from{first}"), tmp_path / f"from{first}") as it:
            for seed in range(first, min(first + A_STAGE, FIRST + number)):
                ordered = await _end_of(it, seed, None, happened)
                shuffled = await _end_of(it, seed, Random(seed), Counter())
                assert shuffled == ordered, (seed, history(seed))
    too_seldom = {item: happened[item] for item in FLOORS if happened[item] < FLOORS[item]}
    assert number < HISTORIES or IS_LONG or too_seldom == {}


def test_each_step_has_a_floor() -> None:
    effects = {"unlocked", "revoked", "revived", "subscribed_again", "prorated"}
    assert FLOORS.keys() == {*STEPS, *effects}


async def _end_of(
    it: Stage, seed: int, chance: Random | None, happened: Counter[str]
) -> dict[str, Any]:
    """What everybody is told at the end of a history, which is what is true in Stripe."""
    async with it.anew(chance) as played:
        played.happened = happened
        await played.play(history(seed))
        await played.drain_events()
        shown = await played.shown()
        await _hold(played, seed)
    return shown


async def _hold(played: Played, seed: int) -> None:
    async with played.shop.database.reading() as session:
        assert await audit(session) == [], seed
        assert await as_recorded(session) == in_stripe(played.account), seed
        assert second_trials(played.account) == [], seed
        prorated = select(Refund.id).where(Refund.kind == ClawbackKind.PRORATION)
        played.happened["prorated"] += len((await session.exec(prorated)).all())
        for kind, effect in ((EntryKind.RESTORED, "revoked"), (EntryKind.SPENT, "revived")):
            entries = select(LedgerEntry.unlock_id, LedgerEntry.grant_id).where(
                LedgerEntry.kind == kind, col(LedgerEntry.unlock_id).is_not(None)
            )
            found = (await session.exec(entries)).all()
            # The first time that an unlock is paid for is no revival.
            first = len(set(found)) if kind is EntryKind.SPENT else 0
            played.happened[effect] += len(found) - first
