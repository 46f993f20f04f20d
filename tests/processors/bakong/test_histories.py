"""Whatever happens, each payment of the bank counts once: given, or on the site's list.

BAKONG_HISTORIES=1000 make test TESTS=tests/processors/bakong/test_histories.py plays many;
BAKONG_FIRST=1000 plays others.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.database.tables import Purchase, UnmatchedPayment
from paywall.processors.bakong.client import BakongClient
from paywall.rules.enums import PaymentResolution
from paywall.subscribers.audit import audit
from tests.conftest import IS_LONG, Bearer, SetClock, running
from tests.processors.bakong.bank import Bank
from tests.processors.bakong.book import Record
from tests.processors.bakong.conftest import settings_of
from tests.processors.bakong.histories import STEPS, Crashes, History
from tests.processors.bakong.till import Till
from tests.router import router_of

HISTORIES = int(os.environ.get("BAKONG_HISTORIES", "4"))
HISTORIES_ON_SQLITE = HISTORIES if IS_LONG else 2
FIRST = int(os.environ.get("BAKONG_FIRST", "1"))
MANY = 20
# What has to happen at least once in the histories of `make test`.
EFFECTS = ("crashed", "given", "amount", "currency", "payee", "second_payment", "returned", "gave")


@pytest.fixture
async def tills(database_url: str, tmp_path: Path) -> AsyncIterator[Sequence[Till]]:
    """Two workers on PostgreSQL, which ask the same bank at the same time."""
    settings, clock, bank = settings_of(database_url, tmp_path), SetClock(), Bank()
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(1 if settings.is_sqlite else 2):
            client = BakongClient(settings, bank)
            edge = create_app(settings, clock, bakong_client=client)
            await stack.enter_async_context(running(edge))
            transport = httpx.ASGITransport(edge)  # type: ignore[arg-type]  # looser types
            http = httpx.AsyncClient(transport=transport, base_url="http://paywall.test")
            service = await stack.enter_async_context(http)
            app = router_of(edge)
            made.append(
                Till(service, Bearer(app, clock), clock, app.state.database, bank, client, settings)
            )
        await made[0].stock()
        yield made


@pytest.mark.slow
async def test_each_payment_counts_once_whatever_happens(
    tills: Sequence[Till], monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes, happened = Crashes(), Counter[str]()
    monkeypatch.setattr(Database, "writing", crashes.wrap(Database.writing))
    is_sqlite = tills[0].settings.is_sqlite
    for seed in range(FIRST, FIRST + (HISTORIES_ON_SQLITE if is_sqlite else HISTORIES)):
        history = History(tills, crashes, seed)
        await history.play()
        await _hold(history)
        happened += history.happened
    missing = {name for name in (*STEPS, *EFFECTS) if not happened[name]}
    # In a few of them what the workers happen to do first decides which effects occur.
    assert is_sqlite or HISTORIES < MANY or not missing


async def _hold(history: History) -> None:
    till, book = history.tills[0], history.book
    async with till.database.reading() as session:
        assert await audit(session) == [], history.seed
    record = await _record(history)
    assert book.faults(record) == [], history.seed
    for person in history.living:
        me = await till.me(person.name)
        assert me["unlocks_left"] == book.unlocks_left(person, record), (history.seed, person)
        if not person.is_merged:
            until = book.access_until(person, record)
            is_over = until is not None and until <= till.clock.at
            expected = None if until is None or is_over else f"{until:%Y-%m-%dT%H:%M:%SZ}"
            assert me["access_until"] == expected, (history.seed, person)


async def _record(history: History) -> Record:
    hashes = [hash_ for code in history.book.codes for hash_ in code.how_paid]
    async with history.tills[0].database.reading() as session:
        bought = select(Purchase).where(col(Purchase.reference).in_(hashes))
        purchases = (await session.exec(bought)).all()
        left = select(UnmatchedPayment).where(col(UnmatchedPayment.hash).in_(hashes))
        unmatched = (await session.exec(left)).all()
    given = {one.hash for one in unmatched if one.resolution is PaymentResolution.GIVEN}
    history.happened["given"] += len(purchases) - len(given)
    history.happened["gave"] += len(given)
    history.happened.update(one.reason for one in unmatched)
    history.happened.update(one.resolution for one in unmatched if one.resolution)
    return Record(
        purchases=Counter(purchase.reference for purchase in purchases),
        bought_at={purchase.reference: purchase.created_at for purchase in purchases},
        unmatched={one.hash: one.reason for one in unmatched},
        given=given,
    )
