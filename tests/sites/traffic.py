"""A site and a hostile reader at once, who compare each answer with what they asked."""

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from tests.sites.attacks import COVETED, OWN_ARTICLES, OWN_COST, READER, Attack, Attacker
from tests.sites.wire import Answer, read_answer

SITE_CLIENTS = 6
HOSTILE_CLIENTS = 4
# The article a7 costs 7 credits.
SITE_ARTICLES = 100
# Between two requests of a client, so that the proxy's connections change hands.
THINKS_SECONDS_MAX = 0.01
ANSWERED_WITHIN_SECONDS = 10
# With no answer for so long, none is taken to come.
QUIET_SECONDS = 0.2
WRONG_SHOWN_MAX = 10
# Of the service or the proxy; a 500 of the service's is wrong all the same.
NOT_ANSWERED = {429, 500, 502, 503, 504}


@dataclass
class Tally:
    """What came back to the two clients of one proxy."""

    # The answers that were compared with their request, by client.
    checked: Counter[str] = field(default_factory=Counter)
    # The site's requests that the proxy or the service could not answer.
    unanswered: int = 0
    attacks: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    shown: list[str] = field(default_factory=list)

    def is_wrong(self, client: str, what: str) -> None:
        self.wrong += 1
        if len(self.shown) < WRONG_SHOWN_MAX:
            self.shown.append(f"{client}: {what}")


class TrafficCounts:
    """The ids of all answers of the service: each reaches one client, once."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def again(self, request_id: str | None) -> bool:
        if request_id is None:
            return False
        is_again = request_id in self._ids
        self._ids.add(request_id)
        return is_again


class Call(NamedTuple):
    """A request of the site's, and what tells its answer from all others."""

    method: str
    path: str
    body: dict[str, object] | None
    named: Callable[[Any], object]
    expected: object


async def prepare(http: httpx.AsyncClient) -> str:
    """Put the articles, give the hostile reader credits, and return the reader's token."""
    articles = {f"a{n}": n for n in range(1, SITE_ARTICLES)}
    articles |= {f"m{n}": OWN_COST + n for n in range(OWN_ARTICLES)}
    for article, cost in {**articles, COVETED: 1}.items():
        put = {"title": article, "policy": "premium", "unlock_cost": cost}
        (await http.put(f"/v1/articles/{article}", json=put)).raise_for_status()
    grant = {"amount": 100, "source": "promotion", "reference": "credits"}
    (await http.post(f"/v1/subscribers/{READER}/grants", json=grant)).raise_for_status()
    minted = await http.post(f"/v1/readers/{READER}/token", json={"lifetime_seconds": 900})
    token: str = minted.raise_for_status().json()["token"]
    return token


async def unlocked_by_the_attacker(http: httpx.AsyncClient) -> object:
    """What hidden requests bought."""
    listed = await http.get(f"/v1/subscribers/{READER}/unlocks")
    return listed.raise_for_status().json()["items"]


class Site:
    """Asks as a site does, with a site token, several requests at a time."""

    def __init__(
        self, http: httpx.AsyncClient, tally: Tally, seen: TrafficCounts, name: str
    ) -> None:
        self._http, self._tally, self._seen, self._name = http, tally, seen, name

    async def run(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(SITE_CLIENTS):
                group.create_task(self._client(f"site-{self._name}{number}", until))

    async def _client(self, client: str, until: float) -> None:
        chance = random.Random(client)
        number = 0
        while asyncio.get_running_loop().time() < until:
            number += 1
            await self._ask(_call(chance, f"{client}-{number}"))
            await asyncio.sleep(chance.uniform(0, THINKS_SECONDS_MAX))

    async def _ask(self, call: Call) -> None:
        try:
            answer = await self._http.request(call.method, call.path, json=call.body)
        except httpx.TransportError:
            self._tally.unanswered += 1
            return
        request_id = answer.headers.get("x-request-id")
        if answer.status_code in NOT_ANSWERED and (request_id is None or answer.status_code != 500):
            self._tally.unanswered += 1
            return
        self._tally.checked["site"] += 1
        if self._seen.again(request_id) or not _is_its_answer(call, answer):
            got = f"{answer.status_code} {answer.text[:300]}"
            self._tally.is_wrong("site", f"{call.method} {call.path} {call.body} got {got}")


def _call(chance: random.Random, name: str) -> Call:
    """One of what a site asks; `name` is of this request alone."""
    cost, other = chance.sample(range(1, SITE_ARTICLES), 2)
    article, articles = f"a{cost}", [f"a{cost}", f"a{other}"]
    grant = {"amount": cost, "source": "promotion", "reference": name}
    return chance.choice(
        (
            Call("POST", "/v1/access/check", {"article_id": article, "reader_id": name},
                 lambda it: it["unlock_cost"], cost),
            Call("POST", "/v1/access/check-batch", {"article_ids": articles, "visitor_id": name},
                 lambda it: [decision["article_id"] for decision in it["decisions"]], articles),
            Call("GET", f"/v1/articles/{article}", None, lambda it: it["id"], article),
            Call("HEAD", f"/v1/articles/{article}", None, bool, None),
            Call("POST", f"/v1/readers/{name}/token", {}, _subject, name),
            Call("POST", f"/v1/subscribers/{name}/grants", grant,
                 lambda it: (it["reference"], it["amount"]), (name, cost)),
            Call("GET", f"/v1/subscribers/{name}", None,
                 lambda it: it["type"], "/problems/subscriber_unknown"),
        )
    )  # fmt: skip


def _subject(body: Any) -> str:
    """Whose token it is."""
    payload = body["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sub"])


def _is_its_answer(call: Call, answer: httpx.Response) -> bool:
    if call.method == "HEAD":
        return answer.is_success and not answer.content
    try:
        return bool(call.named(answer.json()) == call.expected)
    except (ValueError, KeyError, TypeError):
        return False


class HostileReader:
    """Attacks, and reads on in between as any reader does."""

    def __init__(self, port: int, token: str, tally: Tally, seen: TrafficCounts) -> None:
        self._port, self._token, self._tally, self._seen = port, token, tally, seen

    async def run(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for number in range(HOSTILE_CLIENTS):
                group.create_task(self._client(random.Random(number), until))

    async def _client(self, chance: random.Random, until: float) -> None:
        attacker = Attacker(self._token, chance)
        while asyncio.get_running_loop().time() < until:
            kind = chance.choice(attacker.kinds)
            self._tally.attacks[kind.__name__] += 1
            await self._send(kind.__name__, kind())
            await self._send("honest", attacker.honest())
            await asyncio.sleep(chance.uniform(0, THINKS_SECONDS_MAX))

    async def _send(self, name: str, attack: Attack) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            reading = asyncio.create_task(self._read(name, attack, reader))
            # The proxy may answer and close before it was sent all.
            with suppress(ConnectionError):
                for part in attack.parts:
                    if isinstance(part, float):
                        await asyncio.sleep(part)
                    else:
                        writer.write(part)
                        await writer.drain()
            if attack.ends_early:
                reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
        finally:
            writer.transport.abort()

    async def _read(self, name: str, attack: Attack, reader: asyncio.StreamReader) -> None:
        """Read until nothing more comes, or the connection ends."""
        answers = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            while True:
                patience = QUIET_SECONDS if answers else ANSWERED_WITHIN_SECONDS
                if attack.answers_max == answers > 0:
                    patience = QUIET_SECONDS / 4
                answer = await asyncio.wait_for(read_answer(reader), patience)
                answers += 1
                self._compare(name, attack, answers, answer)

    def _compare(self, name: str, attack: Attack, number: int, answer: Answer) -> None:
        self._tally.checked["reader"] += 1
        if number > attack.answers_max and not attack.ends_early:
            self._tally.is_wrong("reader", f"{name}: answer {number}: {answer}")
        elif self._seen.again(answer.headers.get("x-request-id")):
            self._tally.is_wrong("reader", f"{name}: an answer that another got: {answer}")
        elif not _is_the_readers(answer, attack.costs[number - 1 : number]):
            self._tally.is_wrong("reader", f"{name}: {answer}")


def _is_the_readers(answer: Answer, costs: object) -> bool:
    """Whether it is something that this reader asked for, at the cost that was asked for."""
    if "x-request-id" not in answer.headers:
        # The proxy's own: it refuses much by itself, and answers `OPTIONS *`.
        return answer.status >= httpx.codes.BAD_REQUEST or not answer.body
    if answer.status == httpx.codes.INTERNAL_SERVER_ERROR:
        return False
    if answer.status >= httpx.codes.BAD_REQUEST or not answer.body:
        return b"site-" not in answer.body and answer.status != httpx.codes.OK
    body = json.loads(answer.body)
    cost = body.get("unlock_cost")
    if costs:
        return [cost] == costs
    return body.get("reader_id") == READER or (cost is not None and cost >= OWN_COST)
