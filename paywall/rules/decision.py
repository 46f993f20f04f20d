"""The access decision: may this viewer read the body of this article?"""

from datetime import datetime
from enum import StrEnum

import msgspec


class Policy(StrEnum):
    """Who may read an article."""

    FREE = "free"
    REGISTERED = "registered"
    METERED = "metered"
    PREMIUM = "premium"
    SUBSCRIBERS = "subscribers"


class Reason(StrEnum):
    """The rule that granted or denied access."""

    FREE = "free"
    SUBSCRIBED = "subscribed"
    UNLOCKED = "unlocked"
    REGISTERED = "registered"
    METERED = "metered"
    ARTICLE_UNKNOWN = "article_unknown"
    LOGIN_REQUIRED = "login_required"
    SUBSCRIPTION_REQUIRED = "subscription_required"
    UNLOCK_AVAILABLE = "unlock_available"
    CREDITS_REQUIRED = "credits_required"


class Action(StrEnum):
    """A step that the reader can take after a denial."""

    LOGIN = "login"
    UNLOCK = "unlock"
    BUY_CREDITS = "buy_credits"
    SUBSCRIBE = "subscribe"


class ArticleTerms(msgspec.Struct, frozen=True, gc=False):
    """An article's policy, and its `unlock_cost` in credits."""

    policy: Policy
    unlock_cost: int = 1


class Meter(msgspec.Struct, frozen=True, gc=False):
    """A viewer's metered views in the current month, which ends at `resets_at`."""

    used: int
    limit: int
    resets_at: datetime
    # Whether this article has been counted this month.
    counted: bool = False


class ViewerState(msgspec.Struct, frozen=True, gc=False):
    """What a viewer has that matters for access to one article."""

    signed_in: bool
    balance: int = 0
    unlocked: bool = False
    entitled_until: datetime | None = None
    access_until: datetime | None = None
    # None if there is no id to count by; the meter then counts as used up.
    meter: Meter | None = None


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Whether access is granted, why, and which actions are open to the reader."""

    granted: bool
    reason: Reason
    unlocks_left: int
    unlock_cost: int
    actions: tuple[Action, ...] = ()
    meter: Meter | None = None
    access_until: datetime | None = None


UNKNOWN_ARTICLE_COST = 1

ACTIONS: dict[Reason, tuple[Action, ...]] = {
    Reason.ARTICLE_UNKNOWN: (),
    Reason.LOGIN_REQUIRED: (Action.LOGIN,),
    Reason.SUBSCRIPTION_REQUIRED: (Action.SUBSCRIBE,),
    Reason.UNLOCK_AVAILABLE: (Action.UNLOCK, Action.SUBSCRIBE),
    Reason.CREDITS_REQUIRED: (Action.BUY_CREDITS, Action.SUBSCRIBE),
}


def decide(terms: ArticleTerms | None, viewer_state: ViewerState, now: datetime) -> Decision:
    """Apply the first rule that matches; `terms` is None for an unknown article."""
    cost = terms.unlock_cost if terms else UNKNOWN_ARTICLE_COST
    granted = _grant_reason(terms, viewer_state, now)
    if granted is None:
        denied = _denial_reason(terms, viewer_state)
        return Decision(False, denied, viewer_state.balance, cost, ACTIONS[denied])
    meter = viewer_state.meter if granted is Reason.METERED else None
    access_until = _shown_access_until(viewer_state, now) if granted is Reason.SUBSCRIBED else None
    return Decision(True, granted, viewer_state.balance, cost, (), meter, access_until)


def _grant_reason(
    terms: ArticleTerms | None, viewer_state: ViewerState, now: datetime
) -> Reason | None:
    policy = terms.policy if terms else None
    if policy is Policy.FREE:
        return Reason.FREE
    if viewer_state.entitled_until is not None and now < viewer_state.entitled_until:
        return Reason.SUBSCRIBED
    if viewer_state.unlocked:
        return Reason.UNLOCKED
    if policy is Policy.REGISTERED and viewer_state.signed_in:
        return Reason.REGISTERED
    if policy is Policy.METERED and meter_allows_view(viewer_state.meter):
        return Reason.METERED
    return None


def meter_allows_view(meter: Meter | None) -> bool:
    """Whether a view is left or this article has been counted."""
    return meter is not None and (meter.counted or meter.used < meter.limit)


def _denial_reason(terms: ArticleTerms | None, viewer_state: ViewerState) -> Reason:
    if terms is None:
        return Reason.ARTICLE_UNKNOWN
    if not viewer_state.signed_in:
        return Reason.LOGIN_REQUIRED
    if terms.policy is Policy.SUBSCRIBERS:
        return Reason.SUBSCRIPTION_REQUIRED
    if viewer_state.balance >= terms.unlock_cost:
        return Reason.UNLOCK_AVAILABLE
    return Reason.CREDITS_REQUIRED


def _shown_access_until(viewer_state: ViewerState, now: datetime) -> datetime | None:
    """Readers are shown the end without the renewal leeway; None once it has passed."""
    until = viewer_state.access_until
    return until if until is not None and now < until else None
