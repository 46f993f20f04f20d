"""Making what is recorded of a customer what Stripe says now: look, then record under the lock.

It may be done at any time, once or often, by several workers at once.
"""

from collections.abc import Awaitable, Callable

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.engine import Database
from paywall.problems import unavailable
from paywall.processors.stripe.customers import lock_customer, version_of
from paywall.processors.stripe.fetch import Snapshot
from paywall.processors.stripe.handled_events import is_handled, mark
from paywall.processors.stripe.objects import StripeEventRef
from paywall.processors.stripe.record import record
from paywall.rules.enums import EventOutcome
from paywall.settings import Settings

TRIES_MAX = 20


async def sync_customer(
    database: Database,
    settings: Settings,
    customer_id: str,
    look: Callable[[], Awaitable[Snapshot]],
    event_ref: StripeEventRef | None = None,
) -> bool:
    """Record what `look` sees; with a hint, mark its event as handled in the same transaction.

    Tells whether this call did it: not where the customer is nobody's here, or where the event
    was handled before. Raises Problem where Stripe cannot be asked, or where something else was
    recorded each time while it looked.
    """
    for _ in range(TRIES_MAX):
        async with database.reading() as session:
            if event_ref is not None and await is_handled(session, event_ref):
                return False
            version = await version_of(session, customer_id)
        if version is None:
            return False
        seen = await look()
        async with database.writing() as session:
            if await _recorded(session, seen, customer_id, version, event_ref, database, settings):
                return True
    raise unavailable("Too much happens to this customer at once: ask again.")


async def _recorded(
    session: AsyncSession,
    seen: Snapshot,
    customer_id: str,
    version: int,
    event_ref: StripeEventRef | None,
    database: Database,
    settings: Settings,
) -> bool:
    """False, and nothing recorded, where what was seen may be stale by now."""
    customer = await lock_customer(session, customer_id, version)
    if customer is None:
        return False
    now = database.clock.now()
    if event_ref is None or await mark(session, event_ref, EventOutcome.RECORDED, now):
        await record(session, seen, customer.reader_id, settings=settings, clock=database.clock)
    return True
