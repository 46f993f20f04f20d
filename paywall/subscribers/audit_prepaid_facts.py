"""What the audit of prepaid time reads: the rows of one reader after the other.

Readers come in batches, so that memory does not grow with their number.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.sql.sqltypes import UTCDateTime

from paywall.subscribers.audit_check import expand_macros

READERS_AT_ONCE = 500
READERS = """
    select distinct reader_id from subscription
    where kind in ('pass', 'prepaid') and reader_id > :after and not ERASED(reader_id)
    order by reader_id limit :readers_max
"""
# Written before migration 0006, or by a release before it: they do not state what was sold.
OLDER_ROWS = """
    select count(*) from subscription s
    where s.kind in ('pass', 'prepaid') and s.interval is null and not ERASED(s.reader_id)
"""

Row = sa.Row[Any]


class FactQuery(NamedTuple):
    """A query for rows of the `:readers`, and which of its columns are times."""

    text: str
    times: tuple[str, ...]


PREPAID = FactQuery(
    """
    select s.reader_id, s.id, s.kind, s.sequence_id, s.starts_at, s.paid_through, s.entitled_until,
           s.access_until, s.ended_at, s.interval as unit, s.interval_count, s.timezone,
           s.purchase_id, p.created_at as paid_at, p.processor, p.reference, p.amount_paid
    from subscription s join purchase p on p.id = s.purchase_id
    where s.kind in ('pass', 'prepaid') and s.reader_id in :readers
    order by s.reader_id, s.id
    """,
    ("starts_at", "paid_through", "entitled_until", "access_until", "ended_at", "paid_at"),
)
BILLED = FactQuery(
    """
    select s.reader_id, s.id, s.sequence_id, s.starts_at, s.paid_through, s.ended_at, b.status,
           b.trial_starts_at, b.trial_ends_at
    from subscription s left join stripe_subscription b on b.id = s.id
    where s.kind = 'stripe' and s.reader_id in :readers
    """,
    ("starts_at", "paid_through", "ended_at", "trial_starts_at", "trial_ends_at"),
)
INVOICES = FactQuery(
    """
    select s.reader_id, i.id, i.subscription_id, i.purchase_id, i.period_starts_at,
           i.period_ends_at, p.amount_paid
    from subscription s join stripe_invoice i on i.subscription_id = s.id
    join purchase p on p.id = i.purchase_id
    where s.reader_id in :readers
    order by s.reader_id, i.subscription_id, i.period_ends_at, i.id
    """,
    ("period_starts_at", "period_ends_at"),
)
PRORATIONS = FactQuery(
    """
    select s.reader_id, c.invoice_id, c.credited_invoice_id, c.starts_at
    from subscription s join stripe_credit c on c.subscription_id = s.id
    left join stripe_invoice i on i.id = c.credited_invoice_id
    where s.reader_id in :readers
      and (c.item_id is null or i.item_id is null or c.item_id = i.item_id)
    """,
    ("starts_at",),
)
CLAWBACKS = FactQuery(
    """
    select p.reader_id, r.purchase_id, r.amount, r.is_in_force, r.withdrawn_at,
           coalesce(r.effective_at, r.created_at) as since
    from purchase p join refund r on r.purchase_id = p.id
    where p.reader_id in :readers and not r.keep_access and r.kind <> 'proration'
      and (r.is_in_force or r.withdrawn_at is not null)
    """,
    ("withdrawn_at", "since"),
)
COMPLIMENTARY = FactQuery(
    """
    select reader_id, sequence_id, starts_at, ends_at from complimentary_period
    where reader_id in :readers
    union all select reader_id, sequence_id, starts_at, entitled_until from subscription
    where kind = 'complimentary' and reader_id in :readers
    """,
    ("starts_at", "ends_at"),
)
MERGED = FactQuery(
    "select reader_id, id, into_id, merged_at from merged_sequence where reader_id in :readers",
    ("merged_at",),
)


class ReaderFacts(NamedTuple):
    """What is on record of one reader."""

    prepaid: Sequence[Row]
    billed: Sequence[Row]
    invoices: Sequence[Row]
    prorations: Sequence[Row]
    clawbacks: Sequence[Row]
    complimentary: Sequence[Row]
    merged: Sequence[Row]


async def facts_by_reader(connection: AsyncConnection) -> AsyncIterator[ReaderFacts]:
    """The readers with passes or prepaid periods, in the order of their ids."""
    page = sa.text(expand_macros(READERS, connection.dialect.name))
    values = {"after": "", "readers_max": READERS_AT_ONCE}
    while readers := (await connection.execute(page, values)).scalars().all():
        values["after"] = readers[-1]
        queries = (PREPAID, BILLED, INVOICES, PRORATIONS, CLAWBACKS, COMPLIMENTARY, MERGED)
        tables = [await _rows_by_reader(connection, query, readers) for query in queries]
        for reader_id in readers:
            yield ReaderFacts(*(table[reader_id] for table in tables))


async def _rows_by_reader(
    connection: AsyncConnection, query: FactQuery, readers: Sequence[str]
) -> defaultdict[str, list[Row]]:
    statement = (
        sa.text(query.text)
        .bindparams(sa.bindparam("readers", type_=sa.String(), expanding=True))
        .columns(**{name: UTCDateTime() for name in query.times})
    )
    by_reader: defaultdict[str, list[Row]] = defaultdict(list)
    for row in await connection.execute(statement, {"readers": readers}):
        by_reader[row.reader_id].append(row)
    return by_reader


async def count_older_prepaid(connection: AsyncConnection) -> int:
    """The number of passes and prepaid periods that do not state what was sold."""
    query = sa.text(expand_macros(OLDER_ROWS, connection.dialect.name))
    return int((await connection.execute(query)).scalar_one())
