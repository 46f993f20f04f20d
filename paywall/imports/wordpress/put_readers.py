"""Writing what readers get, in one transaction; a second time it changes nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, find_grants, grant_many
from paywall.credits.locking import lock_or_create_subscribers
from paywall.database.tables import CreditGrant, Merge, Subscriber, Subscription, Unlock
from paywall.imports.wordpress.oddities import Oddity, OddityKind
from paywall.imports.wordpress.reader_plan import ReaderPlan
from paywall.rules.enums import Actor, GrantSource, UpsertOutcome
from paywall.subscriptions.complimentary import complimentary_of
from paywall.subscriptions.import_subscriptions import ImportedSubscription, import_subscriptions
from paywall.unlocks.import_unlocks import ImportedUnlock, import_unlocks

ACTOR = Actor("paywall", "import wordpress", "")
# In one statement; each has two parameters, and PostgreSQL takes 32,767.
UNLOCKS_MAX = 1000
# How many merges, one after the other, are followed.
MERGES_MAX = 20


class ReaderState(NamedTuple):
    """What a reader can read and spend here."""

    credits: int = 0
    unlocks: int = 0
    access_until: datetime | None = None


class PutReader(NamedTuple):
    """What was new for a reader, and what the reader has now.

    `reader_id` differs from the plan's where the reader was merged into another one.
    """

    reader_id: str
    new_unlocks: int
    new_credits: int
    is_newly_complimentary: bool
    state: ReaderState
    oddities: Sequence[Oddity]


class _Readers(NamedTuple):
    """Plans with something to write, by the reader's id."""

    plans: Mapping[str, ReaderPlan]
    # The id that a reader's things are under now.
    owners: Mapping[str, str]


async def put_readers(
    session: AsyncSession, plans: Sequence[ReaderPlan], unlocked_at: datetime | None, clock: Clock
) -> list[PutReader]:
    """Write what is not there yet; what an earlier run gave is never given again or changed."""
    written = {plan.reader_id: plan for plan in plans if not plan.is_empty}
    owners = await _owners(session, written)
    readers = _Readers(written, owners)
    await lock_or_create_subscribers(session, owners.values(), clock.now())
    unlocks = await _put_unlocks(session, readers, unlocked_at or clock.now(), clock)
    granted, differing = await _put_grants(session, plans, owners, clock)
    complimentary, held = await _put_complimentary(session, readers, clock)
    # A subscription that was given just now has begun by now.
    states = await states_of(session, owners.values(), clock.now())
    return [
        PutReader(
            owner := owners.get(plan.reader_id, plan.reader_id),
            unlocks.get(plan.reader_id, 0),
            plan.credits if plan.reader_id in granted else 0,
            plan.reader_id in complimentary,
            states.get(owner, ReaderState()),
            [
                *([_merged(owner)] if owner != plan.reader_id else []),
                *differing.get(plan.reader_id, ()),
                *held.get(plan.reader_id, ()),
            ],
        )
        for plan in plans
    ]


def _merged(owner: str) -> Oddity:
    return Oddity(OddityKind.READER_MERGED, 0, "", f"reader {owner}")


async def _owners(session: AsyncSession, reader_ids: Collection[str]) -> dict[str, str]:
    """Who has each reader's things now: the reader, or whom an id that is not used was merged into.

    An id that was merged into several readers, one after the other, is taken as it is.
    """
    owners = {reader_id: reader_id for reader_id in reader_ids}
    for _ in range(MERGES_MAX):
        ids = set(owners.values())
        statement = select(Merge).where(
            col(Merge.from_id).in_(ids),
            col(Merge.from_id).not_in(select(Subscriber.id).where(col(Subscriber.id).in_(ids))),
        )
        into: dict[str, list[str]] = {}
        for merge in await session.exec(statement):
            into.setdefault(merge.from_id, []).append(merge.into_id)
        moved = {from_id: found[0] for from_id, found in into.items() if len(found) == 1}
        if not moved:
            break
        owners = {id_: moved.get(owner, owner) for id_, owner in owners.items()}
    return owners


async def _put_unlocks(
    session: AsyncSession, readers: _Readers, unlocked_at: datetime, clock: Clock
) -> dict[str, int]:
    """The number of new unlocks of each reader."""
    # Two readers who were merged may have unlocked the same.
    by_key = {
        (readers.owners[plan.reader_id], article_id): plan.reader_id
        for plan in readers.plans.values()
        for article_id in plan.article_ids
    }
    new: dict[str, int] = {}
    keys = list(by_key)
    for start in range(0, len(keys), UNLOCKS_MAX):
        part = [ImportedUnlock(*key, unlocked_at) for key in keys[start : start + UNLOCKS_MAX]]
        outcomes = await import_unlocks(session, part, clock=clock, revives=False)
        for unlock, outcome in zip(part, outcomes, strict=True):
            if outcome is UpsertOutcome.CREATED:
                reader_id = by_key[unlock.reader_id, unlock.article_id]
                new[reader_id] = new.get(reader_id, 0) + 1
    return new


async def _put_grants(
    session: AsyncSession, plans: Sequence[ReaderPlan], owners: Mapping[str, str], clock: Clock
) -> tuple[set[str], dict[str, list[Oddity]]]:
    """The readers who were granted credits, and those whose earlier grant is another."""
    terms = {
        plan.reader_id: GrantTerms(
            owners.get(plan.reader_id, plan.reader_id),
            plan.credits,
            GrantSource.MIGRATION,
            plan.grant_reference,
        )
        for plan in plans
    }
    before = await find_grants(session, terms.values())
    new = [one for one in terms.values() if one.amount and one.key not in before]
    grants = await grant_many(session, new, actor=ACTOR, clock=clock)
    granted = {grant.reference for grant in grants}
    differing: dict[str, list[Oddity]] = {}
    for reader_id, one in terms.items():
        grant = before.get(one.key)
        if grant is not None and grant.amount != one.amount:
            detail = f"{grant.amount} were, and {one.amount} are in the folder"
            differing[reader_id] = [Oddity(OddityKind.GRANT_DIFFERS, 0, "", detail)]
    return {id_ for id_, one in terms.items() if one.reference in granted}, differing


async def _put_complimentary(
    session: AsyncSession, readers: _Readers, clock: Clock
) -> tuple[set[str], dict[str, list[Oddity]]]:
    """The readers who got a complimentary subscription, and those who have another one already."""
    ends: dict[str, datetime] = {}
    for plan in readers.plans.values():
        if plan.complimentary_until is not None:
            owner = readers.owners[plan.reader_id]
            ends[owner] = max(ends.get(owner, plan.complimentary_until), plan.complimentary_until)
    held = await complimentary_of(session, ends)
    new = [
        ImportedSubscription(owner, None, end, None)
        for owner, end in ends.items()
        if owner not in held
    ]
    await import_subscriptions(session, new, clock=clock)
    given: set[str] = set()
    differing: dict[str, list[Oddity]] = {}
    for plan in readers.plans.values():
        owner, end = readers.owners[plan.reader_id], plan.complimentary_until
        if end is not None and owner not in held:
            given.add(plan.reader_id)
        elif end is not None and held[owner].paid_through != end:
            detail = f"{held[owner].paid_through:%Y-%m-%d}, and {end:%Y-%m-%d} in the folder"
            kind = OddityKind.COMPLIMENTARY_DIFFERS
            differing[plan.reader_id] = [Oddity(kind, 0, "", detail)]
    return given, differing


async def states_of(
    session: AsyncSession, reader_ids: Collection[str], now: datetime
) -> dict[str, ReaderState]:
    """What these readers have now, in three statements for any number of them."""
    mine = set(reader_ids)
    credits_ = select(CreditGrant.reader_id, func.sum(CreditGrant.remaining)).where(
        col(CreditGrant.reader_id).in_(mine),
        col(CreditGrant.remaining) > 0,
        col(CreditGrant.expires_at).is_(None) | (col(CreditGrant.expires_at) > now),
    )
    unlocks = select(Unlock.reader_id, func.count()).where(
        col(Unlock.reader_id).in_(mine), col(Unlock.revoked_at).is_(None)
    )
    access = select(Subscription.reader_id, func.max(Subscription.access_until)).where(
        col(Subscription.reader_id).in_(mine),
        col(Subscription.starts_at) <= now,
        col(Subscription.entitled_until) > now,
    )
    balances = dict((await session.exec(credits_.group_by(CreditGrant.reader_id))).all())
    counts = dict((await session.exec(unlocks.group_by(Unlock.reader_id))).all())
    ends = dict((await session.exec(access.group_by(Subscription.reader_id))).all())
    return {
        id_: ReaderState(int(balances.get(id_, 0)), counts.get(id_, 0), ends.get(id_))
        for id_ in mine
    }
