"""Forward-auth: a proxy asks before it serves a file, and believes nothing that a client adds."""

import asyncio
from typing import NamedTuple

import httpx
import msgspec
import pytest

from paywall.settings import Settings
from paywall.tokens.guard import PROXY_HEADER
from tests.conftest import Bearer, SetClock
from tests.test_story import check, grant, put_article

PATH = "/v1/access/forward-auth"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        meter_limit=2,
        forward_auth_paths=["/articles/{id}/"],
        forward_auth_cookie="token",
        forward_auth_visitor_cookie="visitor",
    )


class Outcome(NamedTuple):
    """What a proxy acts on."""

    status: int
    decision: str
    reason: str
    unlocks_left: str


class Proxy:
    """Asks as a proxy does, with a site token of its own."""

    def __init__(self, service: httpx.AsyncClient, bearer: Bearer) -> None:
        self.service, self.bearer = service, bearer

    async def get(
        self, article_id: str = "a", *more: tuple[str, str], method: str = "GET"
    ) -> httpx.Response:
        token = self.bearer.site("access:check")["Authorization"].removeprefix("Bearer ")
        named = [(PROXY_HEADER, token), ("X-Original-URI", f"/articles/{article_id}/")]
        sent = [(name.encode(), value.encode("latin-1")) for name, value in (*named, *more)]
        return await self.service.request(method, PATH, headers=sent)

    async def ask(self, article_id: str = "a", *more: tuple[str, str]) -> Outcome:
        response = await self.get(article_id, *more)
        headers = response.headers
        assert headers["cache-control"] == "no-store"
        assert bool(response.content) is (response.status_code != 204)
        names = ("decision", "reason", "unlocks-left")
        found = (headers.get(f"x-paywall-{name}", "") for name in names)
        return Outcome(response.status_code, *found)

    def token(self, reader_id: str) -> str:
        return self.bearer.reader(reader_id)["Authorization"].removeprefix("Bearer ")

    def cookie(self, reader_id: str) -> tuple[str, str]:
        return "Cookie", f"other=1; token={self.token(reader_id)}; visitor=v"

    def header(self, reader_id: str) -> tuple[str, str]:
        return "Authorization", f"Bearer {self.token(reader_id)}"


@pytest.fixture
def proxy(service: httpx.AsyncClient, bearer: Bearer) -> Proxy:
    return Proxy(service, bearer)


LOGIN = Outcome(401, "denied", "login_required", "0")
NO_TOKEN = Outcome(401, "denied", "invalid_token", "")
BAD_PATH = Outcome(403, "denied", "path_not_canonical", "")
VISITOR = ("Cookie", "visitor=v")


async def unlock(proxy: Proxy, reader_id: str, article_id: str) -> None:
    wanted = {"article_id": article_id, "max_cost": 1}
    headers = proxy.bearer.reader(reader_id)
    answer = await proxy.service.post("/v1/me/unlocks", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text


async def test_each_decision_has_its_status_and_its_headers(proxy: Proxy) -> None:
    for article_id, policy in (("a", "premium"), ("s", "subscribers"), ("f", "free")):
        await put_article(proxy.service, proxy.bearer, article_id, policy=policy)
    await grant(proxy.service, proxy.bearer, "ann", 2)
    assert await proxy.ask() == LOGIN
    assert await proxy.ask("a", VISITOR) == LOGIN
    assert await proxy.ask("f") == Outcome(204, "granted", "free", "0")
    for who in (proxy.cookie, proxy.header):
        assert await proxy.ask("a", who("ann")) == Outcome(403, "denied", "unlock_available", "2")
        assert await proxy.ask("a", who("bo")) == Outcome(403, "denied", "credits_required", "0")
        assert (await proxy.ask("s", who("bo"))).reason == "subscription_required"
        assert await proxy.ask("n", who("bo")) == Outcome(403, "denied", "article_unknown", "0")
    assert await proxy.ask("n") == Outcome(403, "denied", "article_unknown", "0")
    await unlock(proxy, "ann", "a")
    for who in (proxy.cookie, proxy.header):
        assert await proxy.ask("a", who("ann")) == Outcome(204, "granted", "unlocked", "1")
        assert (await proxy.ask("a", who("bo"))).status == 403


async def test_the_reader_of_the_header_goes_before_the_one_of_the_cookie(proxy: Proxy) -> None:
    await put_article(proxy.service, proxy.bearer, "a", policy="premium")
    await grant(proxy.service, proxy.bearer, "ann", 1)
    await unlock(proxy, "ann", "a")
    assert (await proxy.ask("a", proxy.header("ann"), proxy.cookie("bo"))).status == 204
    assert (await proxy.ask("a", proxy.header("bo"), proxy.cookie("ann"))).status == 403
    basic = ("Authorization", "Basic c3RhZmY6c2VjcmV0")
    assert (await proxy.ask("a", basic, proxy.cookie("ann"))).status == 204


async def test_a_cookie_that_is_no_longer_valid_is_that_of_a_visitor(
    proxy: Proxy, clock: SetClock
) -> None:
    for article_id, policy in (("a", "premium"), ("f", "free"), ("m", "metered")):
        await put_article(proxy.service, proxy.bearer, article_id, policy=policy)
    old = proxy.cookie("ann")
    clock.move(seconds=3600)
    forged = ("Cookie", f"visitor=v; token={proxy.token('ann')}x")
    site = proxy.bearer.site()["Authorization"].removeprefix("Bearer ")
    of_a_site = ("Cookie", f"visitor=v; token={site}")
    for cookie in (old, forged, of_a_site, ("Cookie", f"visitor=v; token={'x' * 9000}")):
        assert await proxy.ask("a", cookie) == LOGIN
        assert (await proxy.ask("f", cookie)).reason == "free"
        assert (await proxy.ask("m", cookie)).reason == "metered"


async def test_a_token_in_the_header_that_is_not_valid_is_refused(proxy: Proxy) -> None:
    await put_article(proxy.service, proxy.bearer, "a", policy="free")
    site = proxy.bearer.site()["Authorization"]
    bad = [f"{proxy.header('ann')[1]}x", "Bearer x", "bearer é".encode().decode("latin-1"), site]
    for value in bad:
        response = await proxy.get("a", ("Authorization", value))
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert await proxy.ask("a", ("Authorization", value)) == NO_TOKEN
    assert await proxy.ask("a", proxy.header("ann"), proxy.header("bo")) == NO_TOKEN


async def test_a_revoked_token_opens_nothing(proxy: Proxy) -> None:
    await put_article(proxy.service, proxy.bearer, "r", policy="registered")
    cookie, header = proxy.cookie("ann"), proxy.header("ann")
    assert (await proxy.ask("r", cookie)).status == 204
    answer = await proxy.service.post(
        "/v1/tokens/revoke", json={"subject": "ann"}, headers=proxy.bearer.site()
    )
    assert answer.status_code == 204, answer.text
    assert await proxy.ask("r", cookie) == LOGIN
    assert await proxy.ask("r", header) == NO_TOKEN


async def test_nobody_but_the_proxy_may_ask(proxy: Proxy) -> None:
    await put_article(proxy.service, proxy.bearer, "f", policy="free")
    uri = {"X-Original-URI": "/articles/f/"}
    site = proxy.bearer.site("access:check")
    reader, other = proxy.bearer.reader("ann"), proxy.bearer.site("articles:read")
    token = site["Authorization"].removeprefix("Bearer ")
    for headers, status in (
        ({}, 401),
        (site, 401),
        (reader, 401),
        ({PROXY_HEADER: site["Authorization"]}, 401),
        ({PROXY_HEADER: proxy.token("ann")}, 401),
        ({PROXY_HEADER: other["Authorization"].removeprefix("Bearer ")}, 403),
        ({PROXY_HEADER: token}, 204),
    ):
        response = await proxy.service.get(PATH, headers={**uri, **headers})
        assert response.status_code == status
        assert ("x-paywall-decision" in response.headers) is (status == 204)
    twice = [*uri.items(), (PROXY_HEADER, token), (PROXY_HEADER.lower(), token)]
    response = await proxy.service.get(PATH, headers=twice)
    assert response.status_code == 401


async def test_a_metered_grant_counts_a_view_once(proxy: Proxy) -> None:
    for article_id in "abc":
        await put_article(proxy.service, proxy.bearer, article_id, policy="metered")
    assert await proxy.ask("a") == LOGIN
    outcomes = [await proxy.ask(article_id, VISITOR) for article_id in "aabac"]
    assert [outcome.reason for outcome in outcomes] == [*["metered"] * 4, "login_required"]
    as_header = ("X-Paywall-Visitor", "v")
    assert (await proxy.ask("a", as_header)).reason == "metered"
    assert await proxy.ask("c", as_header) == LOGIN
    assert (await proxy.ask("c", as_header, ("Cookie", "visitor=w"))).status == 401
    assert (await proxy.ask("c", ("X-Paywall-Visitor", "w"), VISITOR)).status == 204
    decision = await check(proxy.service, proxy.bearer, "a", visitor_id="v")
    assert decision["meter"]["used"] == 2  # type: ignore[index]  # a dictionary


async def test_thirty_tabs_at_once_stay_within_the_meter(proxy: Proxy) -> None:
    for number in range(10):
        await put_article(proxy.service, proxy.bearer, f"a{number}", policy="metered")
    asked = [proxy.ask(f"a{number % 10}", VISITOR) for number in range(30)]
    outcomes = await asyncio.gather(*asked)
    granted = {number % 10 for number, outcome in enumerate(outcomes) if outcome.status == 204}
    assert len(granted) == 2


@pytest.mark.parametrize("visitor", ["", "a/b", "..", "\xff", "x" * 201])
async def test_what_is_no_id_counts_for_nobody(proxy: Proxy, visitor: str) -> None:
    await put_article(proxy.service, proxy.bearer, "m", policy="metered")
    assert await proxy.ask("m", ("Cookie", f"visitor={visitor}")) == LOGIN
    assert await proxy.ask("m", ("X-Paywall-Visitor", visitor)) == LOGIN
    assert await proxy.ask("m", ("X-Paywall-Visitor", "v"), ("x-paywall-visitor", "w")) == LOGIN


async def test_head_answers_as_get_and_counts_nothing(proxy: Proxy) -> None:
    await put_article(proxy.service, proxy.bearer, "m", policy="metered")
    head = await proxy.get("m", VISITOR, method="HEAD")
    assert (head.status_code, head.headers["x-paywall-reason"]) == (204, "metered")
    decision = await check(proxy.service, proxy.bearer, "m", visitor_id="v")
    assert decision["meter"]["used"] == 0  # type: ignore[index]  # a dictionary


async def test_only_the_canonical_path_is_granted(proxy: Proxy) -> None:
    await put_article(proxy.service, proxy.bearer, "f", policy="free")
    assert (await proxy.ask("f")).status == 204
    for crooked in ("f/..", "../articles/f", "%66", "f%2f", "f/", "f;x", "f%00", ""):
        assert await proxy.ask(crooked) == BAD_PATH
    assert (await proxy.ask("f/index.html")).reason == "path_without_rule"


@pytest.mark.parametrize(
    "forged",
    [
        [("X-Paywall-Article", "f")],
        [("X-Paywall-Article", "p"), ("x-paywall-article", "f")],
        [("X-Forwarded-Uri", "/articles/f/")],
        [("X-Original-URI", "/articles/f/")],
        [("x-original-uri", "/articles/p/"), ("X-Forwarded-Uri", "/articles/f/")],
    ],
)
async def test_a_second_name_for_the_article_is_refused(
    proxy: Proxy, forged: list[tuple[str, str]]
) -> None:
    for article_id, policy in (("p", "premium"), ("f", "free")):
        await put_article(proxy.service, proxy.bearer, article_id, policy=policy)
    outcome = await proxy.ask("p", *forged)
    assert outcome == Outcome(403, "denied", "path_ambiguous", "")
    underscores = ("X_Paywall_Article", "f"), ("X_Original_URI", "/articles/f/")
    assert await proxy.ask("p", *underscores) == LOGIN
    assert (await proxy.ask("f", ("X-Paywall-Article", "f"))).status == 204


async def test_a_proxy_without_rules_names_the_article_itself(
    service: httpx.AsyncClient, bearer: Bearer, settings: Settings
) -> None:
    """Then no path is read: what a client adds about paths changes nothing."""
    settings.forward_auth_paths.clear()
    for article_id, policy in (("p", "premium"), ("ខ្មែរ b", "free")):
        await put_article(service, bearer, article_id, policy=policy)
    proxy = Proxy(service, bearer)
    free = ("X-Paywall-Article", "ខ្មែរ b".encode().decode("latin-1"))
    assert (await proxy.ask("p", free)).reason == "free"
    assert await proxy.ask("f", ("X-Paywall-Article", "p")) == LOGIN
    for refused in ([], [free, ("X-Paywall-Article", "p")], [("X-Paywall-Article", "a/b")]):
        assert (await proxy.ask("f", *refused)).reason == "article_not_named"
