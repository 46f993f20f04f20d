"""Readers under torture: they unlock, buy from the site and get refunds, each step checked."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count

from tests.torture.caller import Caller, NotAnswered
from tests.torture.journal import Account, Sale
from tests.torture.shop import ARTICLES, PACK_CREDITS, PRICE_CENTS, Tokens, check_canaries

SEEN = "a check that began after an acknowledgement saw it"
ONCE = "of two requests for one thing one is the first"
GRANTED_AT_ONCE = 20
HOT_READERS = 5
# Then the hot readers are others: these have most articles.
UNLOCKS_OF_HOT_READERS = 400
# Apart from what is paid through Stripe.
SITE_CURRENCY = "eur"
PARTLY_CENTS = 400
PARTLY_CREDITS = PARTLY_CENTS * PACK_CREDITS // PRICE_CENTS

Turn = Callable[[Caller, Tokens, int], Awaitable[None]]


async def take_turns(caller: Caller, tokens: Tokens, turn: Turn, ending: asyncio.Event) -> None:
    """One turn after the other, until the end."""
    for number in count():
        if ending.is_set():
            break
        with suppress(NotAnswered):
            await turn(caller, tokens, number)
    await caller.http.aclose()


async def is_granted(caller: Caller, reader: str, article: str) -> bool:
    """The decision, by the fast path."""
    asked: dict[str, object] = {"article_id": article, "reader_id": reader}
    answer = await caller.post("/v1/access/check", asked)
    return bool(answer.json()["granted"])


async def unlock(caller: Caller, tokens: Tokens, reader: str, article: str) -> bool:
    """False where the credits do not suffice."""
    journal = caller.journal
    journal.asked.add((reader, article))
    answer = await caller.post_with_key(
        "/v1/me/unlocks", {"article_id": article}, token=tokens.reader(reader)
    )
    if not answer.is_success:
        return False
    outcome = answer.json()["unlock"]
    if outcome is not None:
        journal.unlocks[outcome["id"]] = (reader, article)
    return True


async def unlock_as_hot_reader(caller: Caller, tokens: Tokens, number: int) -> None:
    """Some readers ask for the same articles on several connections at once."""
    journal, chance = caller.journal, caller.chance
    generation = len(journal.unlocks) // UNLOCKS_OF_HOT_READERS
    reader = f"hot{generation}-{chance.randrange(HOT_READERS)}"
    # Clients that come at the same time want the same.
    article = ARTICLES[(len(journal.unlocks) + chance.randrange(3)) % len(ARTICLES)]
    await is_granted(caller, reader, article)
    if not await unlock(caller, tokens, reader, article):
        await _grant(caller, reader)
        return
    seen = await is_granted(caller, reader, article)
    journal.check(SEEN, seen, f"{reader} unlocked {article}")
    if number % 4 == 0:
        await _read_bodies(caller, tokens, reader, article)


async def _grant(caller: Caller, reader: str) -> None:
    reference = caller.new_key()
    given: dict[str, object] = {
        "amount": GRANTED_AT_ONCE, "source": "promotion", "reference": reference
    }  # fmt: skip
    answer = await caller.post_with_key(f"/v1/subscribers/{reader}/grants", given)
    if answer.is_success:
        caller.journal.grants[reference] = Sale(reader, GRANTED_AT_ONCE)


async def _read_bodies(caller: Caller, tokens: Tokens, reader: str, article: str) -> None:
    other = caller.chance.choice(ARTICLES)
    for one in (article, other):
        body = await caller.get(f"/v1/me/articles/{one}/body", token=tokens.reader(reader))
        # By the time of the answer; another client may have unlocked it meanwhile.
        allowed = one if (reader, one) in caller.journal.asked else None
        check_canaries(caller.journal, body.text, allowed, f"{reader} read {one}")


async def read_without_credits(caller: Caller, tokens: Tokens, number: int) -> None:
    reader, article = f"poor{number % 7}", caller.chance.choice(ARTICLES)
    journal = caller.journal
    journal.check(SEEN, not await is_granted(caller, reader, article), f"{reader} has nothing")
    refused = await caller.post(
        "/v1/me/unlocks", {"article_id": article}, token=tokens.reader(reader)
    )
    journal.check(SEEN, refused.status_code == 409, refused.text)
    body = await caller.get(f"/v1/me/articles/{article}/body", token=tokens.reader(reader))
    check_canaries(journal, body.text, None, f"{reader} read {article}")
    batch: dict[str, object] = {"article_ids": ARTICLES[:20], "reader_id": reader, "previews": True}
    previews = await caller.post("/v1/access/check-batch", batch)
    check_canaries(journal, previews.text, None, f"previews of {reader}")


async def buy_and_return(caller: Caller, tokens: Tokens, number: int) -> None:
    """A pack, three unlocks, a part of the money back, and sometimes the rest."""
    journal, chance = caller.journal, caller.chance
    reader = f"buyer-{chance.getrandbits(48):x}"
    purchase_id = await _buy(caller, reader)
    articles = chance.sample(ARTICLES, 3)
    for article in articles:
        assert await unlock(caller, tokens, reader, article)
    # The newest unlock is the first to go.
    kept = articles
    await _refund(caller, purchase_id, PARTLY_CENTS)
    if number % 2:
        await _refund(caller, purchase_id, PRICE_CENTS - PARTLY_CENTS)
        kept = []
    for article in articles:
        granted = await is_granted(caller, reader, article)
        journal.check(SEEN, granted == (article in kept), f"{reader} and {article} after a refund")
    journal.accounts[reader] = Account(
        PACK_CREDITS - PARTLY_CREDITS - len(articles) if kept else 0, frozenset(kept)
    )


async def _buy(caller: Caller, reader: str) -> int:
    """Two requests for the same payment."""
    reference = caller.new_key()
    paid: dict[str, object] = {
        "reader_id": reader, "processor": "cash", "reference": reference, "pack_id": "five",
        "amount_paid": PRICE_CENTS, "currency": SITE_CURRENCY,
    }  # fmt: skip
    answers = [await caller.post_with_key("/v1/purchases", paid) for _ in range(2)]
    statuses = [answer.status_code for answer in answers]
    caller.journal.check(ONCE, statuses == [201, 200], statuses)
    caller.journal.purchases[reference] = Sale(reader, PRICE_CENTS)
    return int(answers[0].json()["id"])


async def _refund(caller: Caller, purchase_id: int, amount: int) -> None:
    reference = caller.new_key()
    back: dict[str, object] = {"amount": amount, "reference": reference}
    answer = await caller.post_with_key(f"/v1/purchases/{purchase_id}/refunds", back)
    caller.journal.check(ONCE, answer.status_code == 201, answer.text)
    caller.journal.refunds[reference] = amount
