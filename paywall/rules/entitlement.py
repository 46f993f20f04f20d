"""When a subscription's access ends, computed from what was paid; no job has to end it."""

from datetime import datetime, timedelta
from typing import NamedTuple

from paywall.rules.enums import StripeStatus


class PaidAccess(NamedTuple):
    """The paid interval `[starts_at, paid_through)`, unless it was ended or clawed back."""

    starts_at: datetime
    paid_through: datetime
    ended_at: datetime | None = None
    is_clawed_back: bool = False


def entitled_until(paid: PaidAccess) -> datetime:
    """The end of access: the end of the paid time, or an earlier cancellation "now"."""
    if paid.is_clawed_back:
        return paid.starts_at
    if paid.ended_at is None:
        return paid.paid_through
    return min(paid.paid_through, max(paid.starts_at, paid.ended_at))


class PaidPeriod(NamedTuple):
    """The period of one paid invoice, and whether its whole price was clawed back.

    `ends_at` is None of an invoice that pays for no time: it only credits, or all of its period was
    credited. `amount_paid` is zero for a trial, or with a coupon over the whole price.
    """

    ends_at: datetime | None
    is_clawed_back: bool
    amount_paid: int


def paid_through(
    starts_at: datetime, periods: list[PaidPeriod], trial_ends_at: datetime | None
) -> datetime:
    """The latest end of a paid period not clawed back, or of the trial; else the start."""
    ends = [period.ends_at for period in periods if not period.is_clawed_back]
    return max(end for end in (starts_at, *ends, trial_ends_at) if end is not None)


def last_was_clawed_back(periods: list[PaidPeriod]) -> bool:
    """Whether every payment for the latest period was clawed back."""
    latest = max((period.ends_at for period in periods if period.ends_at), default=None)
    return latest is not None and all(
        period.is_clawed_back for period in periods if period.ends_at == latest
    )


def has_paid(periods: list[PaidPeriod]) -> bool:
    """Whether a payment above zero was made, even if it was clawed back later."""
    return any(period.amount_paid > 0 for period in periods)


class BilledSubscription(NamedTuple):
    """The facts of a Stripe subscription that its access depends on.

    `paid` is never clawed back as a whole: clawbacks apply to its single periods.
    """

    status: StripeStatus
    paid: PaidAccess
    will_renew: bool
    last_was_clawed_back: bool
    has_paid: bool


class Allowance(NamedTuple):
    """Access beyond the paid time: `grace` after a failed payment, `leeway` before a renewal.

    Grace needs an earlier payment above zero, leeway an earlier period or trial.
    """

    grace: timedelta
    leeway: timedelta


class AccessEnds(NamedTuple):
    """When access ends, and the end that readers are shown (without the leeway)."""

    entitled_until: datetime
    access_until: datetime


def billed_access_ends(billed: BilledSubscription, allowance: Allowance) -> AccessEnds:
    """When access ends, by the subscription's status in Stripe.

    Nothing goes beyond an immediate cancellation, also before Stripe shows it.
    """
    end = entitled_until(billed.paid)
    if billed.paid.ended_at is not None:
        allowance = Allowance(timedelta(), timedelta())
    match billed.status:
        case StripeStatus.ACTIVE | StripeStatus.TRIALING:
            # Before the first payment there is nothing to renew.
            has_period = billed.paid.starts_at < billed.paid.paid_through
            has_leeway = billed.will_renew and has_period and not billed.last_was_clawed_back
            return AccessEnds(end + allowance.leeway if has_leeway else end, end)
        case StripeStatus.PAST_DUE:
            late_end = end + allowance.grace if billed.has_paid else end
            return AccessEnds(late_end, late_end)
        case StripeStatus.CANCELED | StripeStatus.UNPAID | StripeStatus.PAUSED:
            return AccessEnds(end, end)
        case StripeStatus.INCOMPLETE | StripeStatus.INCOMPLETE_EXPIRED:
            return AccessEnds(billed.paid.starts_at, billed.paid.starts_at)
