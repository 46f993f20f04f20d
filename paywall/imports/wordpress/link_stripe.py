"""Linking a reader's Stripe subscription; a failure is listed, and nothing of it is recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from paywall.imports.wordpress.oddities import Oddity, OddityKind
from paywall.problems import REFERENCE_CONFLICT, Problem
from paywall.processors.stripe.api_errors import Missing
from paywall.processors.stripe.context import StripeContext
from paywall.processors.stripe.link import check_link, link_subscription
from paywall.rules.enums import UpsertOutcome

OFF = "this service has no stripe_secret_key. Set it, and run the import again"
MISSING = (
    "Stripe has no such subscription with this key. Is it the key of the same account, and live?"
)


class StripeLink(NamedTuple):
    """What became of one subscription; `access_until` is None if nothing is recorded."""

    stripe_id: str
    is_new: bool
    has_failed: bool
    access_until: datetime | None
    oddities: Sequence[Oddity]


async def link_stripe(
    stripe: StripeContext | None, reader_id: str, stripe_id: str, *, is_dry_run: bool
) -> StripeLink:
    """Link it. A dry run asks Stripe as well, and records nothing."""
    if stripe is None:
        return _failed(stripe_id, OFF)
    try:
        if is_dry_run:
            until, outcome, has_known_price = await check_link(stripe, reader_id, stripe_id)
        else:
            linked = await link_subscription(stripe, reader_id, stripe_id)
            until, outcome = linked.subscription.access_until, linked.outcome
            has_known_price = linked.has_known_price
    except Missing:
        return _failed(stripe_id, MISSING)
    except Problem as problem:
        is_shared = problem.kind is REFERENCE_CONFLICT
        kind = OddityKind.STRIPE_SHARED if is_shared else OddityKind.STRIPE_NOT_LINKED
        return _failed(stripe_id, problem.detail.rstrip("."), kind)
    odd = [] if has_known_price else [Oddity(OddityKind.STRIPE_PRICE_UNKNOWN, 0, "", stripe_id)]
    return StripeLink(stripe_id, outcome is UpsertOutcome.CREATED, False, until, odd)


def shared_link(stripe_id: str, first: str) -> StripeLink:
    """A subscription that an earlier reader of the folder has."""
    return _failed(stripe_id, f"it is of reader {first}", OddityKind.STRIPE_SHARED)


def _failed(
    stripe_id: str, why: str, kind: OddityKind = OddityKind.STRIPE_NOT_LINKED
) -> StripeLink:
    oddity = Oddity(kind, 0, "", f"{stripe_id}: {why}")
    return StripeLink(stripe_id, False, True, None, [oddity])
