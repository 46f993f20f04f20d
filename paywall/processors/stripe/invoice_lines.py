"""What follows from the lines of a paid invoice: its plan, its period, its grants and credits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from paywall.database.tables import Plan
from paywall.processors.stripe.objects import InvoiceLine
from paywall.rules.calendar import add_intervals


class SoldLine(NamedTuple):
    """A line of an invoice, and the plan that it is for if it is of this catalogue."""

    line: InvoiceLine
    plan: Plan | None


class ProrationCredit(NamedTuple):
    """A line that ends the period of an earlier invoice at `starts_at`.

    `amount` counts as clawed back on that invoice, in the currency's smallest unit.
    """

    line_id: str
    credited_invoice_id: str
    starts_at: datetime
    amount: int


class PeriodGrant(NamedTuple):
    """Credits for the time that a line charges for."""

    line: InvoiceLine
    plan: Plan
    credits: int


class InvoiceContents(NamedTuple):
    """What an invoice charges for: the time `[starts_at, ends_at)`, empty if it only credits.

    `grants` are for the time from `grants_from` on. `plan_id` is None if no line is of a known
    plan, as for an imported subscription.
    """

    starts_at: datetime
    ends_at: datetime
    plan_id: str | None
    grants: list[PeriodGrant]
    grants_from: datetime | None
    credits: list[ProrationCredit]


def read_lines(sold: Sequence[SoldLine], trial_ends_at: datetime | None) -> InvoiceContents:
    """What follows from all lines of an invoice, of which there is at least one.

    A credit's period runs to the end of what was paid for before, so it adds no time.
    """
    lines = [line for line, _ in sold]
    charged = _charged(lines)
    starts_at = min(line.starts_at for line in charged or lines)
    plans = {line.id: plan for line, plan in sold}
    grants = _grants([SoldLine(line, plans[line.id]) for line in charged], trial_ends_at)
    return InvoiceContents(
        starts_at,
        max([starts_at, *(line.ends_at for line in charged)]),
        _plan_id_of(sold),
        grants,
        min((grant.line.starts_at for grant in grants), default=None),
        proration_credits(lines),
    )


def _charged(lines: Sequence[InvoiceLine]) -> list[InvoiceLine]:
    """The charges, each cut where a line of the same invoice credits the rest of it.

    That is a charge which waited for this invoice when the price changed again: its credit names no
    invoice. It is for the charge before it; charges of the same second begin with the next price.
    """
    charged = [line for line in lines if not line.is_credit]
    waiting = [line for line in charged if line.is_proration]
    uninvoiced = [
        line
        for line in lines
        if line.is_proration and line.is_credit and line.credited_invoice_id is None
    ]
    for credit in sorted(uninvoiced, key=lambda line: line.starts_at):
        before = [line for line in waiting if line.starts_at < credit.starts_at]
        same = [line for line in waiting if line.starts_at == credit.starts_at]
        if credited := max(before or same, key=lambda line: line.starts_at, default=None):
            waiting.remove(credited)
            charged.remove(credited)
            charged.append(credited._replace(ends_at=credit.starts_at))
    return charged


def _grants(sold: Sequence[SoldLine], trial_ends_at: datetime | None) -> list[PeriodGrant]:
    """The credits of each whole period, or else of the rest of one after a switch; none for trials.

    A trial can be added to a subscription that was paid for: what costs money is no trial.
    """
    paid = [
        (line, plan)
        for line, plan in sold
        if plan is not None
        and plan.credits > 0
        and (line.amount > 0 or trial_ends_at is None or line.starts_at >= trial_ends_at)
    ]
    whole = [PeriodGrant(line, plan, plan.credits) for line, plan in paid if not line.is_proration]
    if whole:
        return whole
    rest = [PeriodGrant(line, plan, _credits_for_rest(line, plan)) for line, plan in paid]
    return [grant for grant in rest if grant.credits > 0]


def _credits_for_rest(line: InvoiceLine, plan: Plan) -> int:
    """The plan's credits for the share of its period that a line covers, rounded down."""
    period = line.ends_at - add_intervals(line.ends_at, plan.interval, -plan.interval_count)
    return plan.credits * min(period, line.ends_at - line.starts_at) // period


def _plan_id_of(lines: Sequence[SoldLine]) -> str | None:
    """The plan of the latest line; of two prorations of a switch the first, for the plan left.

    A switch to another interval charges for a whole period of the new plan, whose line counts.
    """
    latest_first = sorted(
        lines, key=lambda sold: (sold.line.starts_at, not sold.line.is_proration), reverse=True
    )
    return next((plan.id for _, plan in latest_first if plan), None)


def proration_credits(lines: Sequence[InvoiceLine]) -> list[ProrationCredit]:
    """What an invoice takes back from earlier invoices, in the order of the lines' ids.

    The whole of each credit counts, also where the invoice charges for the rest of the same period:
    that charge can be credited in turn, and then nothing would be left to take back. A credit for
    what was on no invoice before takes back nothing.
    """
    return [
        ProrationCredit(line.id, line.credited_invoice_id, line.starts_at, -line.amount)
        for line in sorted(lines, key=lambda line: line.id)
        if line.is_proration and line.is_credit and line.credited_invoice_id is not None
    ]
