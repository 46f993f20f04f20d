"""Writes and sign-ins above their limits get 429, and nobody else's do; checks are not limited."""

import httpx
import msgspec
import pytest

from paywall.http.rate_limits import KEYS_MAX, RateLimit
from paywall.problems import RATE_LIMITED, Problem
from paywall.rules.client_address import client_address, parse_network
from paywall.settings import Settings
from paywall.telemetry import Limit
from tests.conftest import Bearer
from tests.web.plain import COOKIE

UNLOCK = {"article_id": "a1"}
QUESTION = {"article_id": "a1", "reader_id": "ann"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        site_writes_per_minute_max=2,
        reader_writes_per_minute_max=2,
        sign_ins_per_minute_max=2,
        trusted_proxies=["127.0.0.0/8"],
        allowed_origins=["http://paper.example"],
    )


def _is_refused(response: httpx.Response) -> bool:
    if response.status_code != RATE_LIMITED.status:
        return False
    # Two a minute: one each half a minute, once the first two are used.
    assert 28 <= int(response.headers["retry-after"]) <= 30
    return True


async def test_a_reader_above_the_limit_is_refused_and_no_other(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    async def unlock(reader_id: str) -> bool:
        headers = bearer.reader(reader_id)
        return _is_refused(await service.post("/v1/me/unlocks", json=UNLOCK, headers=headers))

    # Each time with another token of the reader's.
    assert [await unlock("ann") for _ in range(4)] == [False, False, True, True]
    assert not await unlock("bob")
    assert (await service.get("/v1/me", headers=bearer.reader("ann"))).is_success


async def test_a_site_token_above_the_limit_is_refused_except_for_checks(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    async def grant(headers: dict[str, str]) -> httpx.Response:
        body = {"amount": 1, "source": "promotion", "reference": "one"}
        return await service.post("/v1/subscribers/ann/grants", json=body, headers=headers)

    leaked, other = bearer.site(), bearer.site(subject="other")
    assert [_is_refused(await grant(leaked)) for _ in range(3)] == [False, False, True]
    assert (await grant(leaked)).json()["type"] == "/problems/rate_limited"
    assert (await grant(other)).is_success
    for _ in range(4):
        asked = await service.post("/v1/access/check", json=QUESTION, headers=leaked)
        assert asked.is_success


async def test_sign_ins_are_limited_by_address_behind_a_trusted_proxy(
    service: httpx.AsyncClient,
) -> None:
    async def enter(forwarded: str) -> httpx.Response:
        headers = {"Origin": "http://paper.example", "X-Forwarded-For": forwarded}
        return await service.post("/account/enter", data={"token": "t"}, headers=headers)

    tried = [await enter(f"198.51.100.{spoofed}, 192.0.2.1") for spoofed in range(3)]
    assert [_is_refused(it) for it in tried] == [False, False, True]
    assert COOKIE not in tried[2].headers.get("set-cookie", "")
    assert not _is_refused(await enter("192.0.2.2"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.9", ["192.0.2.1"], "192.0.2.9"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.5", "192.0.2.1", " 10.0.0.2 "], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1", "unknown"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["2001:db8:0:1:2::3"], "2001:db8:0:1::/64"),
        ("", ["192.0.2.1"], ""),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, forwarded: list[str], client: str) -> None:
    network = parse_network("10.0.0.0/8")
    assert network is not None
    assert client_address(peer, forwarded, [network]) == client


def test_a_limit_is_back_share_by_share_and_its_memory_is_bounded() -> None:
    at = [0.0]
    limit = RateLimit(Limit.READER, 3, lambda: at[0])

    def counted(seconds: float) -> int:
        at[0] = seconds
        number = 0
        while number < 10:
            try:
                limit.count("ann")
            except Problem:
                break
            number += 1
        return number

    assert [counted(it) for it in (0, 19, 20, 59, 1000)] == [3, 0, 1, 1, 3]
    for key in range(KEYS_MAX + 5):
        limit.count(key)
    assert len(limit) == KEYS_MAX
