"""Until when a subscription opens everything: a function of what was paid, never of a job."""

from datetime import datetime, timedelta
from typing import NamedTuple

from paywall.rules.enums import StripeStatus


class PaidAccess(NamedTuple):
    """What was paid for: `[starts_at, paid_through)`, unless it was ended or taken back."""

    starts_at: datetime
    paid_through: datetime
    ended_at: datetime | None = None
    is_clawed_back: bool = False


def entitled_until(paid: PaidAccess) -> datetime:
    """The end of access: of what was paid, or of our own "now", whichever is first."""
    if paid.is_clawed_back:
        return paid.starts_at
    if paid.ended_at is None:
        return paid.paid_through
    return min(paid.paid_through, max(paid.starts_at, paid.ended_at))


class PaidPeriod(NamedTuple):
    """The time that one paid invoice is for, and whether all of its price went back."""

    ends_at: datetime
    is_clawed_back: bool


def paid_through(
    starts_at: datetime, periods: list[PaidPeriod], trial_ends_at: datetime | None
) -> datetime:
    """The latest end of what was paid and not taken back, or of the trial; else the start."""
    ends = [period.ends_at for period in periods if not period.is_clawed_back]
    return max([starts_at, *ends, *([trial_ends_at] if trial_ends_at else [])])


def last_was_clawed_back(periods: list[PaidPeriod]) -> bool:
    """Whether the payment for the latest period went back."""
    if not periods:
        return False
    latest = max(period.ends_at for period in periods)
    return any(period.is_clawed_back for period in periods if period.ends_at == latest)


class BilledSubscription(NamedTuple):
    """A subscription that Stripe bills, as far as its end depends on it.

    `paid` never says that it was taken back as a whole: its periods are, one by one.
    """

    status: StripeStatus
    paid: PaidAccess
    will_renew: bool
    last_was_clawed_back: bool


class Allowance(NamedTuple):
    """How far access goes beyond what was paid: past a failed payment, and before a next one."""

    grace: timedelta
    leeway: timedelta


class AccessEnds(NamedTuple):
    """Until when it opens everything, and until when the reader is told that it does."""

    entitled_until: datetime
    access_until: datetime


def billed_access_ends(billed: BilledSubscription, allowance: Allowance) -> AccessEnds:
    """The end of access of a subscription by its status in Stripe."""
    end = entitled_until(billed.paid)
    match billed.status:
        case StripeStatus.ACTIVE | StripeStatus.TRIALING:
            has_leeway = billed.will_renew and not billed.last_was_clawed_back
            return AccessEnds(end + allowance.leeway if has_leeway else end, end)
        case StripeStatus.PAST_DUE:
            in_grace = end + allowance.grace
            return AccessEnds(in_grace, in_grace)
        case StripeStatus.CANCELED | StripeStatus.UNPAID | StripeStatus.PAUSED:
            return AccessEnds(end, end)
        case StripeStatus.INCOMPLETE | StripeStatus.INCOMPLETE_EXPIRED:
            return AccessEnds(billed.paid.starts_at, billed.paid.starts_at)
