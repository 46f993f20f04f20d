"""After the faults: what was acknowledged is there, everything adds up, and Stripe agrees."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from paywall.database.engine import Database
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.drift import Drift
from paywall.processors.stripe.events import handle_event
from paywall.processors.stripe.reconcile import reconcile
from paywall.processors.stripe.signature import event_ref_of
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from paywall.subscribers.audit import audit
from tests.processors.stripe.truth import as_recorded, in_stripe
from tests.torture.journal import Account, Journal
from tests.torture.readers import SITE_CURRENCY
from tests.torture.records import query, query_dict
from tests.torture.second_audit import QUERIES

KEPT = "nothing acknowledged is lost"
EXACT = "what was asked one by one has exactly its effect"
AUDITED = "paywall audit finds nothing"
AUDITED_AGAIN = "the second audit finds nothing"
AS_IN_STRIPE = "after a reconcile the records are what is true in Stripe"
IN_ORDER = "all events once more and in order change nothing"
RECONCILED_IN = 5
REPLAYED_WITHIN_SECONDS = 45
# All that depends on events.
STATE = {
    "grants": "select reference, remaining, amount, expires_at from credit_grant order by 1",
    "unlocks": 'select id, revoked_at from "unlock" order by id',
    "purchases": "select processor, reference, refunded, taken_back from purchase order by 1, 2",
    "subscriptions": "select id, paid_through, entitled_until, access_until, ended_at"
    " from subscription order by id",
    "checkouts": "select id, status, purchase_id, subscription_id from checkout order by id",
}


async def check_acknowledged(settings: Settings, journal: Journal) -> None:
    """The journal is part of the database, and of some things all of it."""
    unlocks = {
        id_: (reader, article)
        for id_, reader, article in await query(
            settings, 'select id, reader_id, article_id from "unlock"'
        )
    }
    grants = await query_dict(settings, "select reference, reader_id, amount from credit_grant")
    purchases = await query_dict(
        settings, "select reference, reader_id, amount_paid from purchase where processor = 'cash'"
    )
    refunds = await query_dict(
        settings,
        "select r.reference, r.amount from refund r join purchase p on p.id = r.purchase_id"
        " where p.processor = 'cash'",
    )
    paid = {
        row[0] for row in await query(settings, "select id from checkout where status = 'paid'")
    }
    journal.check_none(KEPT, list(journal.unlocks.items() - unlocks.items()))
    journal.check_none(KEPT, list(journal.grants.items() - grants.items()))
    journal.check_none(KEPT, list(journal.purchases.items() ^ purchases.items()))
    journal.check_none(KEPT, list(journal.refunds.items() ^ refunds.items()))
    journal.check_none(KEPT, list(journal.paid - paid))
    await check_events(settings, journal, list(journal.events))
    await _check_accounts(settings, journal)


async def check_events(settings: Settings, journal: Journal, acknowledged: list[str]) -> None:
    """An event that was accepted was handled."""
    handled = {row[0] for row in await query(settings, "select id from stripe_event")}
    journal.check_none(KEPT, [event for event in acknowledged if event not in handled])


async def _check_accounts(settings: Settings, journal: Journal) -> None:
    credits_left = await query_dict(
        settings, "select reader_id, sum(remaining) from credit_grant group by reader_id"
    )
    opened: dict[str, set[str]] = {}
    for reader, article in await query(
        settings, 'select reader_id, article_id from "unlock" where revoked_at is null'
    ):
        opened.setdefault(reader, set()).add(article)
    for reader, expected in journal.accounts.items():
        stored = Account(int(credits_left.get(reader, 0)), frozenset(opened.get(reader, ())))
        journal.check(EXACT, stored == expected, f"{reader}: {stored}, not {expected}")
    for reader in {sale.reader_id for sale in journal.grants.values()}:
        given = sum(sale.amount for sale in journal.grants.values() if sale.reader_id == reader)
        left = int(credits_left[reader])
        spent = len(opened.get(reader, ()))
        journal.check(EXACT, left == given - spent, f"{reader}: {given} - {spent} is not {left}")


async def run_audits(settings: Settings, journal: Journal) -> None:
    """The service's own, and one that shares nothing with it."""
    database = Database(settings, for_writing=False)
    try:
        async with database.reading() as session:
            journal.check_none(AUDITED, await audit(session))
    finally:
        await database.close()
    for promise, statement in QUERIES.items():
        found = await query(settings, statement)
        journal.check(AUDITED_AGAIN, not found, f"{promise}: {list(found)[:3]}")


async def check_against_stripe(settings: Settings, stand_in: StandIn, journal: Journal) -> int:
    """Reconcile, compare, and handle all events again; no service runs. How many were handled."""
    stand_in.faults.planned.clear()
    async with _stripe_context(settings) as context:
        drift: Drift | None = None
        for _ in range(RECONCILED_IN):
            await _forget_turn(context.database)
            drift = await reconcile(context)
            if drift is not None and not any(drift):
                break
        journal.check(AS_IN_STRIPE, drift is not None and not any(drift), drift)
        async with context.database.reading() as session:
            recorded, true = await as_recorded(session), in_stripe(stand_in.account)
        recorded.money.pop(SITE_CURRENCY, None)
        for part in true._fields:
            one, other = getattr(recorded, part), getattr(true, part)
            differing = {key for key in {*one, *other} if one.get(key) != other.get(key)}
            detail = [(key, one.get(key), other.get(key)) for key in list(differing)[:3]]
            journal.check(AS_IN_STRIPE, not differing, f"{part}: {detail}")
        return await _handle_again(context, stand_in, journal)


async def _handle_again(context: StripeContext, stand_in: StandIn, journal: Journal) -> int:
    """The newest events that there is time for, in their order, as if none had been handled."""
    settings = context.settings
    before = {name: await query(settings, statement) for name, statement in STATE.items()}
    async with context.database.writing() as session:
        await (await session.connection()).execute(sa.text("delete from stripe_event"))
    deadline = time.monotonic() + REPLAYED_WITHIN_SECONDS
    handled = 0
    for event in stand_in.account.find_all("event"):
        if time.monotonic() > deadline:
            break
        await handle_event(context, event_ref_of(event))
        handled += 1
    for name, statement in STATE.items():
        after = await query(settings, statement)
        changed = set(map(tuple, after)) ^ set(map(tuple, before[name]))
        journal.check(IN_ORDER, not changed, f"{name}: {sorted(changed, key=str)[:4]}")
    return handled


async def _forget_turn(database: Database) -> None:
    """A process that was killed while it reconciled would hold the turn for ten minutes."""
    async with database.writing() as session:
        connection = await session.connection()
        await connection.execute(sa.text("update stripe_state set busy_until = null"))


@asynccontextmanager
async def _stripe_context(settings: Settings) -> AsyncIterator[StripeContext]:
    database, client = Database(settings), StripeClient(settings)
    try:
        await database.measure_clock()
        yield StripeContext(database, client, settings)
    finally:
        await asyncio.gather(database.close(), client.close())
