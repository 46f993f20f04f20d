"""After kills at any time, acknowledged requests persist and no request has two effects."""

import asyncio
import itertools
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from paywall.database.engine import Database
from paywall.database.tables import CreditGrant, LedgerEntry, Unlock
from paywall.rules.enums import EntryKind
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.conftest import IS_LONG
from tests.processes import Served, serving

KILLS = 20 if IS_LONG else 6
BETWEEN_KILLS_ANSWERS = (20, 150)
LOOK_EVERY_SECONDS = 0.02
CLIENTS = 12
ATTEMPTS_MAX = 5000
READERS = [f"reader{number}" for number in range(8)]
ARTICLES = [f"article{number}" for number in range(200)]
CREDITS = 25


@dataclass
class Journal:
    """What the service acknowledged, kept outside of it."""

    unlocks: dict[int, tuple[str, str]] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)
    answered: int = 0
    unanswered: int = 0


@dataclass
class Load:
    """Clients that repeat what was not answered, as a site does, until it is."""

    address: str
    site_token: str
    reader_tokens: dict[str, str]
    journal: Journal
    is_ending: bool = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        chance = random.Random(number)
        async with httpx.AsyncClient(base_url=self.address, timeout=15) as http:
            for turn in itertools.count():
                if self.is_ending:
                    return
                reader = chance.choice(READERS)
                if turn % 10 == 0:
                    await self._grant(http, reader, f"{number}-{turn}")
                await self._unlock(http, reader, chance.choice(ARTICLES))

    async def _grant(self, http: httpx.AsyncClient, reader: str, reference: str) -> None:
        answer = await self._ask(
            http,
            f"/v1/subscribers/{reader}/grants",
            {"amount": CREDITS, "source": "promotion", "reference": reference},
            {"Authorization": f"Bearer {self.site_token}", "Idempotency-Key": reference},
        )
        if answer.is_success:
            self.journal.grants[reference] = reader

    async def _unlock(self, http: httpx.AsyncClient, reader: str, article: str) -> None:
        headers = {"Authorization": f"Bearer {self.reader_tokens[reader]}"}
        answer = await self._ask(http, "/v1/me/unlocks", {"article_id": article}, headers)
        if answer.is_success and answer.json()["unlock"] is not None:
            self.journal.unlocks[answer.json()["unlock"]["id"]] = (reader, article)

    async def _ask(
        self, http: httpx.AsyncClient, path: str, body: dict[str, object], headers: dict[str, str]
    ) -> httpx.Response:
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = await http.post(path, json=body, headers=headers)
            except httpx.TransportError:
                self.journal.unanswered += 1
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code in {200, 201, 409, 503}, answer.text
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.journal.answered += 1
                return answer
        raise AssertionError(f"{path} was never answered")


def _prepare(served: Served, site_token: str) -> dict[str, str]:
    """Put the articles, and have a token minted for each reader."""
    headers = {"Authorization": f"Bearer {site_token}"}
    with httpx.Client(base_url=served.address, headers=headers, timeout=15) as http:
        for article in ARTICLES:
            body = {"title": article, "policy": "premium"}
            http.put(f"/v1/articles/{article}", json=body).raise_for_status()
        return {
            reader: http.post(f"/v1/readers/{reader}/token", json={}).json()["token"]
            for reader in READERS
        }


async def _suffer(served: Served) -> Journal:
    """Load, and kill after kill."""
    site_token = served.site_token("admin")
    readers = await asyncio.to_thread(_prepare, served, site_token)
    journal = Journal()
    load = Load(served.address, site_token, readers, journal)
    clients = asyncio.create_task(load.run())
    chance = random.Random(1)
    for _ in range(KILLS):
        enough = journal.answered + chance.randint(*BETWEEN_KILLS_ANSWERS)
        while journal.answered < enough:
            await asyncio.wait([clients], timeout=LOOK_EVERY_SECONDS)
            assert not clients.done(), clients.exception()
        await asyncio.to_thread(_kill_one, served, chance)
    load.is_ending = True
    await clients
    return journal


def _kill_one(served: Served, chance: random.Random) -> None:
    """Kill a worker; on SQLite that is the service, which is then started again."""
    pid = chance.choice(served.workers())
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    if pid == served.process.pid:
        served.process.wait(10)
        served.start()
        served.wait_until_ready()


@pytest.mark.slow
async def test_acknowledged_requests_survive_a_kill_exactly_once(
    database_kind: str, database_url: str, tmp_path: Path
) -> None:
    workers = 1 if database_kind == "sqlite" else 2
    with serving(tmp_path, workers=workers, database_url=database_url) as served:
        journal = await _suffer(served)
        assert served.stop() == 0
    assert journal.unanswered > 0
    assert journal.unlocks
    database = Database(Settings(database_url=database_url))
    await _compare(database, journal)
    await database.close()


async def _compare(database: Database, journal: Journal) -> None:
    async with database.reading() as session:
        assert await audit(session) == []
        unlocks = (await session.exec(select(Unlock))).all()
        grants = (await session.exec(select(CreditGrant))).all()
        spent = select(LedgerEntry.unlock_id).where(col(LedgerEntry.kind) == EntryKind.SPENT)
        paid = Counter((await session.exec(spent)).all())
    in_force = {unlock.id: (unlock.reader_id, unlock.article_id) for unlock in unlocks}
    assert journal.unlocks.items() <= in_force.items()
    assert len(set(in_force.values())) == len(in_force)
    assert paid == Counter(in_force.keys())
    stored = {grant.reference: grant.reader_id for grant in grants}
    assert journal.grants.items() <= stored.items()
    assert len(grants) == len(stored)
