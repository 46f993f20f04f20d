"""What the import gives a reader for what the reader had, and what is odd about it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from paywall.imports.wordpress.oddities import Oddity, OddityKind, joined, listed, shown
from paywall.imports.wordpress.old_reader import (
    GRANT_CREDITS_MAX,
    STRIPE,
    OldReader,
    OldSubscription,
)

STRIPE_SUBSCRIPTION_ID = re.compile(r"sub_[A-Za-z0-9_]{1,190}", re.ASCII)
# The type of post that both plug-ins close; they never close any other.
CLOSED_TYPE = "post"
# What a site manages by itself, and no processor bills.
MANUAL = "manual"


class PlanContext(NamedTuple):
    """What else decides about a reader.

    `post_types`: of the reader's posts, by id; None if the folder does not list the posts.
    `profile_ids`: Stripe's ids of GetPaid's subscriptions, by the number of their row.
    """

    now: datetime
    article_prefix: str
    reader_prefix: str
    post_types: Mapping[int, str] | None
    profile_ids: Mapping[str, str]


class ReaderPlan(NamedTuple):
    """What is written for a reader."""

    reader_id: str
    article_ids: Sequence[str]
    credits: int
    stripe_ids: Sequence[str]
    complimentary_until: datetime | None
    oddities: Sequence[Oddity]

    @property
    def grant_reference(self) -> str:
        """The same in every run, so that the credits are granted once."""
        return f"wordpress:{self.reader_id}"

    @property
    def is_empty(self) -> bool:
        given = (self.article_ids, self.credits, self.stripe_ids, self.complimentary_until)
        return not any(given)


def plan_reader(user_id: int, old: OldReader, context: PlanContext) -> ReaderPlan:
    """Decide what the reader gets; what cannot be given is among the oddities."""
    oddities = [*old.oddities, *_post_oddities(old, context.post_types)]
    credits_ = old.credits
    if credits_ > GRANT_CREDITS_MAX:
        oddities.append(Oddity(OddityKind.CREDITS_TOO_MANY, 0, "", str(credits_)))
        credits_ = 0
    stripe_ids: dict[str, None] = {}
    ends: list[datetime] = []
    for subscription in old.subscriptions:
        planned = _plan_subscription(subscription, context)
        stripe_ids |= dict.fromkeys(planned.stripe_ids)
        ends += planned.ends
        oddities += planned.oddities
    return ReaderPlan(
        f"{context.reader_prefix}{user_id}",
        [f"{context.article_prefix}{post_id}" for post_id in old.post_ids],
        credits_,
        list(stripe_ids),
        max(ends, default=None),
        oddities,
    )


def _post_oddities(old: OldReader, post_types: Mapping[int, str] | None) -> list[Oddity]:
    if post_types is None:
        return []
    field, line = "unlocked_post_list", old.posts_line
    unknown = [post_id for post_id in old.post_ids if post_id not in post_types]
    other = [
        f"{post_id} ({type_})"
        for post_id in old.post_ids
        if (type_ := post_types.get(post_id, CLOSED_TYPE)) != CLOSED_TYPE
    ]
    return [
        *([Oddity(OddityKind.POST_UNKNOWN, line, field, listed(unknown))] if unknown else []),
        *([Oddity(OddityKind.POST_OTHER_TYPE, line, field, joined(other))] if other else []),
    ]


class _PlannedSubscription(NamedTuple):
    stripe_ids: Sequence[str]
    ends: Sequence[datetime]
    oddities: Sequence[Oddity]


def _plan_subscription(old: OldSubscription, context: PlanContext) -> _PlannedSubscription:
    """Stripe's is linked, and its dates are Stripe's. Any other opens everything to its end.

    A reader with a Stripe subscription also gets the time of another processor's subscription if
    that is the current one.
    """
    stripe_id = _stripe_id(old.ids.get(STRIPE, ""), context.profile_ids)
    oddities = _processor_oddities(old, stripe_id)
    is_linked = stripe_id is not None
    has_other = old.bills_by not in ("", STRIPE) and old.bills_by in old.ids
    if is_linked and not has_other:
        if not old.is_open:
            detail = shown(stripe_id)
            oddities.append(_oddity(OddityKind.STRIPE_WITHOUT_STATUS, old, detail))
        return _PlannedSubscription([stripe_id] if stripe_id else [], [], oddities)
    ends: list[datetime] = []
    if (kind := _end_oddity(old, context.now)) is not None:
        oddities.append(_oddity(kind, old, shown(old.end_text)))
    elif old.is_open and old.ends_at is not None:
        ends.append(old.ends_at)
    return _PlannedSubscription([stripe_id] if stripe_id else [], ends, oddities)


def _stripe_id(stored: str, profile_ids: Mapping[str, str]) -> str | None:
    """Stripe's id; what is stored can be the number of a row of GetPaid, which has Stripe's id."""
    found = profile_ids.get(stored, stored)
    return found if STRIPE_SUBSCRIPTION_ID.fullmatch(found) else None


def _processor_oddities(old: OldSubscription, stripe_id: str | None) -> list[Oddity]:
    oddities: list[Oddity] = []
    stored = old.ids.get(STRIPE, "")
    if stored and stripe_id is None:
        customer = f", customer {shown(old.stripe_customer_id)}" if old.stripe_customer_id else ""
        kind = OddityKind.STRIPE_ID_UNRESOLVED
        oddities.append(_oddity(kind, old, f"{shown(stored)}{customer}"))
    if old.stripe_customer_id and not stored:
        oddities.append(_oddity(OddityKind.STRIPE_CUSTOMER_ALONE, old, old.stripe_customer_id))
    elsewhere = [
        f"{processor} {shown(id_)}"
        for processor, id_ in old.ids.items()
        if processor not in (STRIPE, MANUAL)
    ]
    if elsewhere:
        oddities.append(_oddity(OddityKind.BILLED_ELSEWHERE, old, joined(elsewhere)))
    if len(old.ids) > 1:
        ids = [f"{processor} {shown(id_)}" for processor, id_ in old.ids.items()]
        oddities.append(_oddity(OddityKind.TWO_SUBSCRIPTIONS, old, joined(ids)))
    return oddities


def _end_oddity(old: OldSubscription, now: datetime) -> OddityKind | None:
    """Why an end does not count, if it does not."""
    if not old.is_open:
        is_ahead = old.ends_at is not None and old.ends_at > now
        return OddityKind.END_WITHOUT_STATUS if is_ahead else None
    if old.ends_at is not None:
        return None if old.ends_at > now else OddityKind.END_PAST
    return OddityKind.END_UNREADABLE if old.end_text else OddityKind.END_MISSING


def _oddity(kind: OddityKind, old: OldSubscription, detail: str) -> Oddity:
    return Oddity(kind, old.line, "", detail)
