"""A check that starts after an acknowledged unlock sees it, on every worker."""

import http.client
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import IS_LONG, PATIENT_SECONDS
from tests.processes import serving

PAIRS = 10_000 if IS_LONG else 2_000
READERS = 20
THREADS = 4
SCOPES = "access:check subscribers:write readers:token"
# Of each thread: with so many, both workers have some.
CONNECTIONS = 6


class Asker:
    """Several kept connections, each to whichever worker took it."""

    def __init__(self, address: str) -> None:
        host = urlsplit(address).netloc
        self._connections = [
            http.client.HTTPConnection(host, timeout=PATIENT_SECONDS) for _ in range(CONNECTIONS)
        ]

    def post(self, path: str, body: dict[str, object], token: str) -> Any:
        connection = random.choice(self._connections)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in {200, 201}, content
        return json.loads(content)

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def unlock_and_check(
    asker: Asker, site: str, readers: dict[str, str], numbers: Iterator[int]
) -> int:
    seen = 0
    for number in numbers:
        reader_id = random.choice(list(readers))
        question: dict[str, object] = {"article_id": f"a{number}", "reader_id": reader_id}
        # Whoever keeps this answer has a stale one in a moment.
        assert not asker.post("/v1/access/check", question, site)["granted"]
        asker.post("/v1/me/unlocks", {"article_id": f"a{number}"}, readers[reader_id])
        after = asker.post("/v1/access/check", question, site)
        assert (after["granted"], after["reason"]) == (True, "unlocked"), number
        seen += 1
    return seen


def grant(asker: Asker, site: str) -> dict[str, str]:
    for n in range(READERS):
        body = {"amount": PAIRS, "source": "promotion", "reference": f"r{n}"}
        asker.post(f"/v1/subscribers/r{n}/grants", body, site)
    return {
        f"r{n}": asker.post(f"/v1/readers/r{n}/token", {}, site)["token"] for n in range(READERS)
    }


@pytest.mark.slow
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_acknowledged_changes_are_seen_by_every_worker(database_url: str, tmp_path: Path) -> None:
    with serving(
        tmp_path, workers=2, database_url=database_url, default_policy="premium",
        grant_credits_max=str(PAIRS),
    ) as served:  # fmt: skip
        site = served.site_token(SCOPES)
        askers = [Asker(served.address) for _ in range(THREADS)]
        readers = grant(askers[0], site)
        parts = [iter(range(n, PAIRS, THREADS)) for n in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            seen = pool.map(unlock_and_check, askers, [site] * THREADS, [readers] * THREADS, parts)
            assert sum(seen) == PAIRS
        for asker in askers:
            asker.close()
        assert served.stop() == 0
