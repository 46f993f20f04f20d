"""Fetching an object from Stripe and recording it: the only path by which its state is recorded.

Webhooks, the return page, cancelling, resuming and reconciling all use it, any number of times and
in several workers at once: a snapshot is recorded only if the customer's version has not changed
since before the fetch.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.problems import UNAVAILABLE, Problem, unavailable
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.customers import lock_customer, version_of
from paywall.processors.stripe.fetch import fetch
from paywall.processors.stripe.objects import ObjectRef, Snapshot
from paywall.processors.stripe.record import record

TRIES_MAX = 20


class Synced(NamedTuple):
    """The open transaction, and the snapshot that was recorded in it."""

    session: AsyncSession
    snapshot: Snapshot


class UnknownCustomer(Problem):
    """No reader has this customer: it is another product's, or its reader was erased."""

    def __init__(self) -> None:
        super().__init__(UNAVAILABLE, "The reader was erased in the meantime: repeat the request.")


@asynccontextmanager
async def sync(context: StripeContext, customer_id: str, ref: ObjectRef) -> AsyncIterator[Synced]:
    """A transaction in which an object of this customer has been recorded as it is in Stripe now.

    What the caller adds is committed with it. Raises UnknownCustomer, Missing, or Problem where
    Stripe cannot be asked or something else was recorded during each fetch.
    """
    database = context.database
    for _ in range(TRIES_MAX):
        async with database.reading() as session:
            version = await version_of(session, customer_id)
        if version is None:
            raise UnknownCustomer
        snapshot = await fetch(context.client, ref)
        async with database.writing() as session:
            customer = await lock_customer(session, customer_id, version)
            if customer is not None:
                await record(session, snapshot, customer, context.settings, database.clock)
                yield Synced(session, snapshot)
                return
    raise unavailable("This customer was changed several times at once: repeat the request.")
