"""Readers under torture who buy through Stripe, cancel, resume and get refunds."""

import asyncio
from random import Random

from paywall.sandbox.stripe import refunds
from paywall.sandbox.stripe.checkout import pay_session
from paywall.sandbox.stripe.stand_in import StandIn
from tests.torture.caller import Caller
from tests.torture.readers import SEEN, Turn, is_granted, unlock
from tests.torture.shop import ARTICLES, RETURN_URL, Tokens

CONFIRMED = "a cancellation that was acknowledged holds in Stripe"
DELIVERED = "what was paid is here once it was said to be"
PRODUCTS = ("pack_id", "five"), ("pass_id", "week"), ("plan_id", "monthly")
POLL_SECONDS = 0.1
POLLS_MAX = 1200
# So that the events stay few enough to be played again in order.
PAUSE_SECONDS = 0.5


def buying_from(stand_in: StandIn) -> Turn:
    """Turns of readers who buy in this account of Stripe's."""

    async def turn(caller: Caller, tokens: Tokens, number: int) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        reader = f"payer-{caller.chance.getrandbits(48):x}"
        kind, product = PRODUCTS[number % len(PRODUCTS)]
        session_id = await _check_out(caller, tokens, stand_in, reader, {kind: product})
        if session_id is None:
            return
        article = caller.chance.choice(ARTICLES)
        if kind == "pack_id":
            assert await unlock(caller, tokens, reader, article)
        seen = await is_granted(caller, reader, article)
        caller.journal.check(SEEN, seen, f"{reader} paid for {product}")
        if kind == "plan_id":
            await _cancel(caller, tokens, stand_in, reader, article)
        elif caller.chance.random() < 0.5:
            _refund(stand_in, session_id, caller.chance)

    return turn


async def _check_out(
    caller: Caller, tokens: Tokens, stand_in: StandIn, reader: str, product: dict[str, object]
) -> str | None:
    """The id of its session in Stripe, once it is paid and the service says so."""
    body = {**product, "return_url": RETURN_URL}
    page = await caller.post_with_key("/v1/me/checkout", body, token=tokens.reader(reader))
    if not page.is_success:
        return None
    session_id = str(page.json()["url"].rpartition("/")[2])
    pay_session(stand_in.account, session_id)
    path = f"/v1/me/checkout/{page.json()['id']}"
    state: dict[str, object] = {}
    for _ in range(POLLS_MAX):
        state = (await caller.get(path, token=tokens.reader(reader))).json()
        if state["status"] == "paid":
            caller.journal.paid.add(page.json()["id"])
            return session_id
        await asyncio.sleep(POLL_SECONDS)
    caller.journal.check(DELIVERED, holds=False, detail=f"{reader}: {state}")
    return None


async def _cancel(
    caller: Caller, tokens: Tokens, stand_in: StandIn, reader: str, article: str
) -> None:
    """At the period's end, perhaps withdrawn; or at once."""
    journal, token = caller.journal, tokens.reader(reader)
    is_now = caller.chance.random() < 0.5
    when = "now" if is_now else "period_end"
    answer = await caller.post_with_key("/v1/me/subscription/cancel", {"when": when}, token=token)
    journal.check(CONFIRMED, answer.is_success, answer.text)
    if not answer.is_success:
        return
    subscription = stand_in.account.find("subscription", answer.json()["subscription_id"])
    if is_now:
        journal.check(CONFIRMED, subscription["status"] == "canceled", answer.text)
        still = await is_granted(caller, reader, article)
        journal.check(SEEN, not still, f"{reader} cancelled at once")
        return
    journal.check(CONFIRMED, subscription["cancel_at_period_end"], answer.text)
    if caller.chance.random() < 0.5:
        answer = await caller.post_with_key("/v1/me/subscription/resume", {}, token=token)
        is_renewing = answer.is_success and not subscription["cancel_at_period_end"]
        journal.check(CONFIRMED, is_renewing, answer.text)


def _refund(stand_in: StandIn, session_id: str, chance: Random) -> None:
    """The site returns a part or all of the payment, in Stripe's dashboard."""
    session = stand_in.account.find("checkout.session", session_id)
    payment, amount = session["payment_intent"], session["amount_total"]
    back = chance.choice((amount, amount // 2))
    refunds.create_refund(stand_in.account, {"payment_intent": payment, "amount": str(back)})
