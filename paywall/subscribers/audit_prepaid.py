"""The audit of prepaid time: passes and prepaid periods have the times that the facts give.

The facts are payments, clawbacks, invoices, trials, complimentary periods and merges.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from sqlalchemy.ext.asyncio import AsyncConnection

from paywall.subscribers.audit_prepaid_facts import ReaderFacts, Row, facts_by_reader
from paywall.subscribers.audit_prepaid_times import (
    FOREVER,
    CoveredTime,
    LengthSold,
    PrepaidTime,
    SequenceJoin,
    TimeRange,
    expected_times,
    without,
)

PROMISE = (
    "Prepaid time is used one payment at a time, in the order of payment, and pauses while other"
    " paid time covers the reader; only clawbacks and cancelling remove what is left of it"
)
NEVER_PAID = ("incomplete", "incomplete_expired")

Removed = defaultdict[int, list[TimeRange]]
Credited = defaultdict[str, list[TimeRange]]


async def wrong_prepaid_rows(
    connection: AsyncConnection, *, rows_max: int
) -> tuple[int, list[str]]:
    """The number of rows whose times are not those that the facts give, and the first of them."""
    count, rows = 0, list[str]()
    async for facts in facts_by_reader(connection):
        for row in wrong_rows(facts):
            count += 1
            if len(rows) < rows_max:
                rows.append(row)
    return count, rows


def wrong_rows(facts: ReaderFacts) -> Iterator[str]:
    """One reader's rows that have other times than those that the facts give."""
    removed = _removed(facts)
    covers = [*_covers(facts, removed)]
    sold: list[tuple[Row, PrepaidTime]] = []
    for row in facts.prepaid:
        name = f"{row.kind} {row.id}"
        if row.unit is None:
            stored = TimeRange(row.starts_at, row.entitled_until)
            covers.append(CoveredTime(row.sequence_id, stored))
        else:
            length = LengthSold(row.unit, row.interval_count or 0, row.timezone or "")
            if length.is_known():
                sold.append((row, _prepaid_time(row, length, removed)))
            else:
                yield f"{name}: {row.interval_count} {row.unit} in {row.timezone} is no length"
    joins = {row.id: SequenceJoin(row.into_id, row.merged_at) for row in facts.merged}
    expected = expected_times([payment for _, payment in sold], covers, joins)
    for (row, _), times in zip(sold, expected, strict=True):
        ends = {row.paid_through, row.entitled_until, row.access_until}
        if not any(row.starts_at == time.starts_at and ends == {time.ends_at} for time in times):
            given = " or ".join(f"{time.starts_at} until {time.ends_at}" for time in times)
            yield (
                f"{row.kind} {row.id}: the facts give {given or 'no time'}, and it is stored from"
                f" {row.starts_at} until {row.entitled_until}"
            )


def _prepaid_time(row: Row, length: LengthSold, removed: Removed) -> PrepaidTime:
    removals = [*removed[row.purchase_id]]
    if row.ended_at is not None:
        removals.append(TimeRange(row.ended_at, FOREVER))
    return PrepaidTime(row.paid_at, row.processor, row.reference, row.sequence_id, length, removals)


def _removed(facts: ReaderFacts) -> Removed:
    """When the whole price of each purchase was clawed back."""
    clawbacks: defaultdict[int, list[Row]] = defaultdict(list)
    for row in facts.clawbacks:
        clawbacks[row.purchase_id].append(row)
    removed: Removed = defaultdict(list)
    for row in (*facts.prepaid, *facts.invoices):
        if row.amount_paid > 0:
            removed[row.purchase_id] = _times_of_whole(clawbacks[row.purchase_id], row.amount_paid)
    return removed


def _times_of_whole(clawbacks: Sequence[Row], amount_paid: int) -> list[TimeRange]:
    """When the amounts in force reach the price."""
    steps: defaultdict[datetime, int] = defaultdict(int)
    for row in clawbacks:
        until = FOREVER if row.is_in_force else row.withdrawn_at
        if row.since < until:
            steps[row.since] += row.amount
            steps[until] -= row.amount
    times, amount = [], 0
    moments = sorted(steps)
    for moment, following in pairwise(moments):
        amount += steps[moment]
        if amount >= amount_paid:
            times.append(TimeRange(moment, following))
    return times


def _covers(facts: ReaderFacts, removed: Removed) -> Iterator[CoveredTime]:
    """The time that complimentary subscriptions, trials and paid Stripe periods cover."""
    credited = _credited(facts, removed)
    for row in facts.complimentary:
        yield CoveredTime(row.sequence_id, TimeRange(row.starts_at, row.ends_at))
    invoices: defaultdict[str, list[Row]] = defaultdict(list)
    for row in facts.invoices:
        invoices[row.subscription_id].append(row)
    for row in facts.billed:
        if row.status not in NEVER_PAID:
            until = row.ended_at or FOREVER
            for time in _billed_times(row, invoices[row.id], removed, credited):
                ended = TimeRange(time.starts_at, min(time.ends_at, until))
                yield CoveredTime(row.sequence_id, ended)


def _billed_times(
    billed: Row, invoices: Sequence[Row], removed: Removed, credited: Credited
) -> Iterator[TimeRange]:
    if billed.status is None:
        yield TimeRange(billed.starts_at, billed.paid_through)
    if billed.trial_ends_at is not None:
        yield TimeRange(billed.trial_starts_at or billed.starts_at, billed.trial_ends_at)
    previous_end = billed.starts_at
    for invoice in invoices:
        starts_at = invoice.period_starts_at or previous_end
        previous_end = invoice.period_ends_at
        time = TimeRange(starts_at, invoice.period_ends_at)
        yield from without(time, [*removed[invoice.purchase_id], *credited[invoice.id]])


def _credited(facts: ReaderFacts, removed: Removed) -> Credited:
    """When the rest of each invoice is credited by one that is paid then, by the invoice's id.

    An invoice that is itself credited passes on what it credited, and need not be paid any more.
    """
    purchase_ids = {invoice.id: invoice.purchase_id for invoice in facts.invoices}
    changes = {FOREVER, *(row.starts_at for row in facts.prorations)}
    for purchase_id in purchase_ids.values():
        changes |= {moment for time in removed[purchase_id] for moment in time}
    times: Credited = defaultdict(list)
    for time in map(TimeRange._make, pairwise(sorted(changes))):
        given = [row for row in facts.prorations if row.starts_at <= time.starts_at]
        paid = {
            invoice_id
            for invoice_id in {row.invoice_id for row in given}
            if not any(
                gone.starts_at <= time.starts_at < gone.ends_at
                for gone in removed[purchase_ids.get(invoice_id, 0)]
            )
        }
        before: set[str] = set()
        credited = {row.credited_invoice_id for row in given if row.invoice_id in paid}
        while before != credited:
            before = credited
            passed_on = {row.credited_invoice_id for row in given if row.invoice_id in credited}
            credited = credited | passed_on
        for invoice_id in credited:
            times[invoice_id].append(time)
    return times
