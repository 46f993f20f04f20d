"""When proration credits count: what one invoice credited of the rest of an earlier one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple

from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.prepaid import Span, without


class Proration(NamedTuple):
    """The invoice `invoice_id` credited what is left of an earlier one at `starts_at`.

    `invoice_id` is None in rows of earlier releases, whose credits always count.
    """

    id: str
    invoice_id: str | None
    credited_invoice_id: str
    starts_at: datetime


def times_in_force(
    prorations: Sequence[Proration], refunded: Mapping[str, Sequence[Span]]
) -> dict[str, list[Span]]:
    """When each credit counts, by its id; `refunded` is when each invoice was wholly refunded.

    It counts from its start on while the invoice that gave it is paid. While that one is refunded,
    the credited period goes on, unless a later invoice credited the refunded one in turn: then the
    credited amount is in the later invoice, and the credit counts while that is paid.
    """
    by_credited_id = defaultdict[str, list[Proration]](list)
    for proration in prorations:
        by_credited_id[proration.credited_invoice_id].append(proration)
    return {
        proration.id: [
            span
            for since, one in _passed_on(proration, by_credited_id)
            for span in without(Span(since, FAR_FUTURE), refunded.get(one.invoice_id or "", ()))
        ]
        for proration in prorations
    }


def _passed_on(
    proration: Proration, by_credited_id: Mapping[str, Sequence[Proration]]
) -> Iterator[tuple[datetime, Proration]]:
    """The credit and the later ones by which its amount was passed on, each with the time since."""
    found = set[str]()
    waiting = [(proration.starts_at, proration.id, proration)]
    while waiting:
        since, id_, one = heappop(waiting)
        if id_ in found:
            continue
        found.add(id_)
        yield since, one
        for later in by_credited_id.get(one.invoice_id or "", ()):
            heappush(waiting, (max(since, later.starts_at), later.id, later))


def counts_now(spans: Sequence[Span]) -> bool:
    """Whether a credit with these times counts, as far as is known now."""
    return any(span.ends_at == FAR_FUTURE for span in spans)
