"""Plays a history: what readers, payers, the site, the bank and time do, in an order by chance."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any

import httpx

from paywall.database.engine import Database
from paywall.problems import Problem
from paywall.processors.bakong.sweeper import sweep
from tests.processors.bakong.book import CREDITS_OF_A_PACK, Book, Code, Person
from tests.processors.bakong.till import Till

OTHERWISE: dict[str, dict[str, str]] = {
    "exact": {},
    "amount": {"amount": "7"},
    "currency": {"currency": "THB"},
    "payee": {"payee": "somebody_else@bank"},
}
REQUESTS = ({"pack_id": "six"}, {"pack_id": "six", "currency": "khr"}, {"pass_id": "week"})
# In seconds. All of them together stay below the seven days for which the bank is asked.
WAITS = (1, 2, 5, 30, 660, 3600, 36_000)
STEPS = {
    "open": 6, "pay": 6, "pay_again": 2, "pay_wrongly": 3, "ask": 7, "ask_twice": 3, "sweep": 3,
    "break_down": 1, "come_back": 2, "wait": 6, "crash": 5, "merge": 1, "erase": 1, "refund": 2,
    "resolve": 4,
}  # fmt: skip
STEPS_A_HISTORY = 40
PEOPLE = 3


class Crash(Exception):  # noqa: N818 (not an error)
    """The process ended here."""


class Crashes:
    """Ends the process before or after a transaction: nothing after that is written."""

    def __init__(self) -> None:
        self.transactions_left: int | None = None
        self.is_after = False
        self.is_dead = False

    def wrap(self, writing: Callable[[Database], Any]) -> Callable[[Database], Any]:
        @asynccontextmanager
        async def crashing(database: Database) -> AsyncIterator[Any]:
            self._pass_by(is_after=False)
            async with writing(database) as session:
                yield session
            self._pass_by(is_after=True)

        return crashing

    def _pass_by(self, *, is_after: bool) -> None:
        if self.is_dead:
            raise Crash
        if self.transactions_left is None or is_after is not self.is_after:
            return
        self.transactions_left -= 1
        if self.transactions_left < 0:
            self.is_dead = True
            raise Crash

    @asynccontextmanager
    async def at(self, transaction: int, *, is_after: bool) -> AsyncIterator[None]:
        self.transactions_left, self.is_after, self.is_dead = transaction, is_after, False
        try:
            yield
        finally:
            self.transactions_left, self.is_dead = None, False


class History:
    """One history on a running service, with one or two workers."""

    def __init__(self, tills: Sequence[Till], crashes: Crashes, seed: int) -> None:
        self.tills, self.crashes, self.chance = tills, crashes, Random(seed)
        self.seed = seed
        self.book = Book()
        self.happened: Counter[str] = Counter()
        self.number = 0
        for _ in range(PEOPLE):
            self._new_person()

    @property
    def till(self) -> Till:
        return self.chance.choice(self.tills)

    def _new_person(self) -> None:
        self.number += 1
        self.book.people.append(Person(f"reader{self.seed}-{self.number}"))

    @property
    def living(self) -> list[Person]:
        return [person for person in self.book.people if not person.is_erased]

    async def play(self) -> None:
        names = self.chance.choices([*STEPS], [*STEPS.values()], k=STEPS_A_HISTORY)
        for name in ("open", *names):
            step: Callable[[], Awaitable[None]] = getattr(self, f"_{name}")
            await step()
            self.happened[name] += 1
        await self._find_all_payments()
        for _ in range(3):
            await self._resolve()

    async def _open(self) -> None:
        person, request = self.chance.choice(self.living), self.chance.choice(REQUESTS)
        opened = await self.till.ask_to_pay(person.name, **request)
        if opened.is_success and all(code.id != opened.json()["id"] for code in self.book.codes):
            kind = next(iter(request)).removesuffix("_id")
            page = dict(opened.json())
            self.book.codes.append(Code(page["id"], kind, person, page))

    def _pay_for(self, code: Code, how: str) -> None:
        payment = self.till.pay(code.page, **OTHERWISE[how])
        code.how_paid[payment.hash] = how
        code.paid_at[payment.hash] = payment.at

    def _code(self) -> Code:
        return self.chance.choice(self.book.codes)

    async def _pay(self) -> None:
        unpaid = [code for code in self.book.codes if not code.how_paid]
        if unpaid:
            self._pay_for(self.chance.choice(unpaid), "exact")

    async def _pay_again(self) -> None:
        self._pay_for(self._code(), "exact")

    async def _pay_wrongly(self) -> None:
        how = self.chance.choice([how for how in OTHERWISE if how != "exact"])
        self._pay_for(self._code(), how)

    async def _ask(self) -> None:
        await self._ask_for(self._code())

    async def _ask_for(self, code: Code) -> None:
        if code.erased_at is None:
            path = f"/v1/me/checkout/{code.id}"
            till = self.till
            with suppress(Crash):
                headers = till.bearer.reader(code.owner.name)
                answer = await till.service.get(path, headers=headers)
                assert answer.status_code in (200, 500, 503), answer.text

    async def _ask_twice(self) -> None:
        code = self._code()
        await asyncio.gather(*(self._ask_for(code) for _ in range(3)), self._sweep(), self._sweep())

    async def _sweep(self) -> None:
        with suppress(Problem, Crash):
            await sweep(self.till.context, whole=self.chance.random() < 0.2)

    async def _break_down(self) -> None:
        self.till.bank.is_down = True

    async def _come_back(self) -> None:
        self.till.bank.is_down = False

    async def _wait(self) -> None:
        self.till.move(seconds=self.chance.choice(WAITS))

    async def _crash(self) -> None:
        """In the middle of something else, which is then begun anew or not."""
        others = {name: STEPS[name] for name in ("open", "ask", "sweep", "erase", "resolve")}
        (name,) = self.chance.choices([*others], [*others.values()])
        transaction, is_after = self.chance.randrange(4), self.chance.random() < 0.5
        async with self.crashes.at(transaction, is_after=is_after):
            await getattr(self, f"_{name}")()
            self.happened["crashed"] += self.crashes.is_dead

    async def _merge(self) -> None:
        if len(self.living) < 2:
            return
        moved, kept = self.chance.sample(self.living, 2)
        merged = await self.till.site_post(f"subscribers/{moved.name}/merge", into=kept.name)
        if merged.status_code != 200:
            # Nothing is on record of this reader yet.
            assert merged.status_code == 404, merged.text
            return
        for code in self.book.codes:
            code.owner = kept if code.owner is moved else code.owner
        kept.credits_refunded += moved.credits_refunded
        kept.is_merged = moved.is_erased = True
        self._new_person()

    async def _erase(self) -> None:
        person = self.chance.choice(self.living)
        mine = [code for code in self.book.codes if code.owner is person and code.erased_at is None]
        till = self.till
        with suppress(Crash):
            status = await till.erase(person.name)
            assert status in (204, 500, 503), status
        if mine and not await self._is_erased(person):
            return
        person.is_erased = True
        for code in mine:
            code.erased_at = till.clock.at
        self._new_person()

    async def _is_erased(self, person: Person) -> bool:
        was_dead, self.crashes.is_dead = self.crashes.is_dead, False
        headers = self.till.bearer.site()
        known = await self.till.service.get(f"/v1/subscribers/{person.name}", headers=headers)
        self.crashes.is_dead = was_dead
        return known.status_code == httpx.codes.NOT_FOUND

    async def _refund(self) -> None:
        """The site returns the money of a pack."""
        person = self.chance.choice(self.living)
        headers = self.till.bearer.reader(person.name)
        mine = await self.till.service.get("/v1/me/purchases", headers=headers)
        packs = [one for one in mine.json()["items"] if one["pack_id"] and not one["refunded"]]
        if packs:
            path = f"purchases/{packs[0]['id']}/refunds"
            refund = {"amount": packs[0]["amount_paid"], "reference": "returned"}
            done = await self.till.site_post(path, **refund)
            assert done.status_code == 201, done.text
            person.credits_refunded += CREDITS_OF_A_PACK

    async def _resolve(self) -> None:
        till = self.till
        mine = {hash_ for code in self.book.codes for hash_ in code.how_paid}
        listed = await till.site_get("unmatched-payments?outstanding=true&limit=200")
        found = [one for one in listed if one["hash"] in mine]
        if found:
            path = f"unmatched-payments/{self.chance.choice(found)['id']}/resolution"
            resolution = self.chance.choice(("give", "returned"))
            with suppress(Crash):
                done = await till.site_post(path, resolution=resolution)
                assert done.status_code in (200, 409, 500), done.text

    async def _find_all_payments(self) -> None:
        """The bank is there again, and reports each payment of each code at some time."""
        await self._come_back()
        most = max(len(code.how_paid) for code in self.book.codes)
        # A killed sweeper holds the others up for a minute.
        self.till.move(seconds=61)
        for _ in range(2 * most + 1):
            assert await sweep(self.till.context, whole=True) is not None
            self.till.move(seconds=5)
