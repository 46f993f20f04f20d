"""The credits that the charges of a paid invoice grant."""

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


class PeriodGrant(NamedTuple):
    """Credits for the time that a line charges for."""

    line: InvoiceLine
    plan: Plan
    credits: int


def grants_of(charges: Sequence[SoldLine], trial_ends_at: datetime | None) -> list[PeriodGrant]:
    """The credits of each whole period, or else of the rest of one after a switch; none for trials.

    A trial can be added to a subscription that was paid for: what costs money is no trial.
    """
    paid = [
        (line, plan)
        for line, plan in charges
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
