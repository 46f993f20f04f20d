"""What follows from the lines of a paid invoice: its plan, and the periods that grant credits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from paywall.database.tables import Plan
from paywall.processors.stripe.objects import InvoiceLine


class SoldLine(NamedTuple):
    """A line of an invoice, and the plan that it is for if it is of this catalogue."""

    line: InvoiceLine
    plan: Plan | None


def granting_lines(
    lines: Sequence[SoldLine], trial_ends_at: datetime | None
) -> list[tuple[InvoiceLine, Plan]]:
    """The lines whose period grants the credits of its plan: no trials, no prorations."""
    return [
        (line, plan)
        for line, plan in lines
        if plan is not None
        and plan.credits > 0
        and not line.is_proration
        and (trial_ends_at is None or line.starts_at >= trial_ends_at)
    ]


def plan_id_of(lines: Sequence[SoldLine]) -> str | None:
    """The plan of the latest line; of two prorations of a switch the first, for the plan left.

    None if no line is of a known plan, as for an imported subscription.
    """
    latest_first = sorted(lines, key=lambda sold: sold.line.starts_at, reverse=True)
    return next((plan.id for _, plan in latest_first if plan), None)
