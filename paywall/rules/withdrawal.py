"""Withdrawing from a purchase within some days, as consumers in the European Union can.

Directive 2011/83/EU, articles 9 to 16. The days are counted on the site's calendar, from the day
after the purchase, and the last one ends at midnight (Regulation 1182/71). A reader who agreed to
immediate delivery loses the right once it was delivered; without that consent nothing is deducted
for what was used.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from paywall.rules.calendar import FAR_FUTURE


class PurchaseFacts(NamedTuple):
    """A purchase, as far as its withdrawal depends on it.

    `begins_contract`: it is no renewal, and no switch to another plan. `amount_left`: what was paid
    and did not go back. `consent_at`: when the reader agreed to immediate delivery.
    `is_delivered`: some of it was used, or its time has begun.
    """

    bought_at: datetime
    begins_contract: bool
    amount_left: int
    consent_at: datetime | None = None
    is_delivered: bool = False


class Withdrawability(StrEnum):
    """Whether a purchase can be withdrawn from.

    `none`: there was never anything to withdraw from. `over`: too many days have passed. `lost`: it
    was delivered at once, as the reader had agreed.
    """

    POSSIBLE = "possible"
    NONE = "none"
    OVER = "over"
    LOST = "lost"


def withdrawable_until(facts: PurchaseFacts, days: int, zone: tzinfo) -> datetime | None:
    """The end of the time in which it can be withdrawn from; None where there is no such right."""
    if days == 0 or not facts.begins_contract or facts.amount_left <= 0:
        return None
    try:
        last_day = facts.bought_at.astimezone(zone).date() + timedelta(days=days)
        midnight = datetime.combine(last_day + timedelta(days=1), time(0), zone)
    except OverflowError:
        return FAR_FUTURE
    return midnight.astimezone(UTC)


def withdrawability(
    facts: PurchaseFacts, days: int, zone: tzinfo, now: datetime
) -> Withdrawability:
    """Whether the purchase can be withdrawn from at `now`; then all of `amount_left` goes back."""
    until = withdrawable_until(facts, days, zone)
    if until is None:
        return Withdrawability.NONE
    if now >= until:
        return Withdrawability.OVER
    if facts.consent_at is not None and facts.is_delivered:
        return Withdrawability.LOST
    return Withdrawability.POSSIBLE
