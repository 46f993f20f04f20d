"""What follows from the lines of a paid invoice: its plan, its period, its grants and prorations.

A subscription can have several items, such as a plan and an add-on. Each line is for one of them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from paywall.processors.stripe.invoice_grants import PeriodGrant, SoldLine, grants_of
from paywall.processors.stripe.objects import InvoiceLine


class ProrationCredit(NamedTuple):
    """A line that ends what an earlier invoice paid for an item, at `starts_at`.

    `amount` counts as clawed back on that invoice, in the currency's smallest unit. `item_id` is
    None where Stripe names no item.
    """

    line_id: str
    credited_invoice_id: str
    starts_at: datetime
    amount: int
    item_id: str | None


class InvoiceContents(NamedTuple):
    """What an invoice charges for: the time `[starts_at, ends_at)`, empty if it only credits.

    `item_id` is the item that gives the period's end. `grants` are for the time from `grants_from`
    on. `plan_id` is None if no line is of a known plan, as for an imported subscription.
    """

    starts_at: datetime
    ends_at: datetime
    item_id: str | None
    plan_id: str | None
    grants: list[PeriodGrant]
    grants_from: datetime | None
    prorations: list[ProrationCredit]


class _LinesByKind(NamedTuple):
    """`withdrawn` are credits of what was on no invoice before."""

    charges: list[SoldLine]
    prorations: list[ProrationCredit]
    withdrawn: list[InvoiceLine]


def read_lines(sold: Sequence[SoldLine], trial_ends_at: datetime | None) -> InvoiceContents:
    """What follows from all lines of an invoice, of which there is at least one.

    A proration credit runs to the end of what was paid for before, so it adds no time.
    """
    lines = _by_kind(sold)
    charges = _without_withdrawn(lines.charges, lines.withdrawn)
    giving_time = _giving_time(charges)
    starts_at = min(line.starts_at for line in giving_time or [line for line, _ in sold])
    last = max(
        giving_time,
        key=lambda line: (line.ends_at, line.amount, line.item_id or ""),
        default=None,
    )
    grants = grants_of(charges, trial_ends_at)
    return InvoiceContents(
        starts_at,
        max(starts_at, last.ends_at) if last else starts_at,
        last.item_id if last else None,
        _plan_id_of(sold),
        grants,
        min((grant.line.starts_at for grant in grants), default=None),
        lines.prorations,
    )


def _by_kind(sold: Iterable[SoldLine]) -> _LinesByKind:
    """Charges, and credits of prorations in the order of the lines' ids.

    The whole of each credit counts, also where the invoice charges for the rest of the same period:
    that charge can be credited in turn, and then nothing would be left to take back.
    """
    lines = _LinesByKind([], [], [])
    for sold_line in sorted(sold, key=lambda sold_line: sold_line.line.id):
        line = sold_line.line
        if not line.is_credit:
            lines.charges.append(sold_line)
        elif line.is_proration and line.credited_invoice_id is None:
            lines.withdrawn.append(line)
        elif line.is_proration and line.credited_invoice_id is not None:
            lines.prorations.append(
                ProrationCredit(
                    line.id, line.credited_invoice_id, line.starts_at, -line.amount, line.item_id
                )
            )
    return lines


def _without_withdrawn(
    charges: Sequence[SoldLine], withdrawn: Iterable[InvoiceLine]
) -> list[SoldLine]:
    """The charges, each cut where a line of the same invoice credits the rest of it.

    That is a charge which waited for this invoice when its item changed again. The credit is for
    the item's charge before it; charges of the same second begin with the next price.
    """
    kept = [sold for sold in charges if not sold.line.is_proration]
    waiting = [sold for sold in charges if sold.line.is_proration]
    for credit in sorted(withdrawn, key=lambda line: line.starts_at):
        of_item = [sold for sold in waiting if _is_of(sold.line, credit.item_id)]
        before = [sold for sold in of_item if sold.line.starts_at < credit.starts_at]
        same = [sold for sold in of_item if sold.line.starts_at == credit.starts_at]
        if cut := max(before or same, key=lambda sold: sold.line.starts_at, default=None):
            waiting.remove(cut)
            kept.append(cut._replace(line=cut.line._replace(ends_at=credit.starts_at)))
    return kept + waiting


def _is_of(line: InvoiceLine, item_id: str | None) -> bool:
    """Whether a line is for an item; a missing item can be any."""
    return item_id is None or line.item_id is None or line.item_id == item_id


def _giving_time(charges: Sequence[SoldLine]) -> list[InvoiceLine]:
    """The charges that pay for the subscription's time: those for items of plans, or else all."""
    items = {line.item_id for line, plan in charges if plan is not None}
    return [line for line, _ in charges if not items or line.item_id in items]


def _plan_id_of(lines: Sequence[SoldLine]) -> str | None:
    """The plan of the latest line; of two prorations of a switch the first, for the plan left.

    A switch to another interval charges for a whole period of the new plan, whose line counts.
    """
    latest_first = sorted(
        lines, key=lambda sold: (sold.line.starts_at, not sold.line.is_proration), reverse=True
    )
    return next((plan.id for _, plan in latest_first if plan), None)
