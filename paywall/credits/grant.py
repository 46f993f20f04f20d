"""Granting credits, and voiding a grant."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.ledger import add_granted_entries, write_off
from paywall.credits.locking import lock_or_create_subscribers, lock_subscriber
from paywall.database.dialect import insert
from paywall.database.tables import CreditGrant
from paywall.problems import (
    GRANT_UNKNOWN,
    REFERENCE_CONFLICT,
    SUBSCRIBER_UNKNOWN,
    Problem,
    differing_fields,
)
from paywall.rules.enums import Actor, GrantSource

PRIORITY_DEFAULT = 100


class GrantTerms(NamedTuple):
    """A grant of `amount` credits; grants with a lower `priority` are spent first."""

    reader_id: str
    amount: int
    source: GrantSource
    reference: str
    expires_at: datetime | None = None
    priority: int = PRIORITY_DEFAULT
    purchase_id: int | None = None

    @property
    def key(self) -> tuple[GrantSource, str]:
        """Unique for each grant."""
        return (self.source, self.reference)

    def differing(self, grant: CreditGrant) -> list[str]:
        """The fields in which an earlier grant with the same key differs."""
        return differing_fields(self._asdict(), grant)


async def grant_credits(
    session: AsyncSession, terms: GrantTerms, *, actor: Actor, clock: Clock
) -> tuple[CreditGrant, bool]:
    """Grant once for each source and reference; returns whether this call granted.

    Raises Problem(REFERENCE_CONFLICT) if an earlier grant of the same reference has other fields.
    """
    for grant in await grant_many(session, [terms], actor=actor, clock=clock):
        return grant, True
    grant = (await find_grants(session, [terms]))[terms.key]
    if differing := terms.differing(grant):
        raise Problem(
            REFERENCE_CONFLICT,
            f"Reference {terms.reference!r} was already granted with a different"
            f" {', '.join(differing)}: send the same fields, or choose a new reference.",
            fields=differing,
        )
    return grant, False


async def grant_many(
    session: AsyncSession,
    all_terms: Sequence[GrantTerms],
    *,
    actor: Actor,
    clock: Clock,
    paid_at: datetime | None = None,
) -> Sequence[CreditGrant]:
    """Grant those whose source and reference are new, and return them; no two may be equal.

    `paid_at` is the time of the payment, by which older grants are spent first; default: now.
    """
    if not all_terms:
        return []
    await lock_or_create_subscribers(session, (t.reader_id for t in all_terms), clock.now())
    now = clock.now()
    values = [
        {**terms._asdict(), "remaining": terms.amount, "granted_at": paid_at or now}
        for terms in sorted(all_terms, key=lambda terms: terms.key)
    ]
    statement = (
        insert(session, CreditGrant)
        # The unique index decides when two readers are granted the same reference at once.
        .on_conflict_do_nothing(
            index_elements=[col(CreditGrant.source), col(CreditGrant.reference)]
        )
        .returning(CreditGrant)
        # Otherwise rows with and without an expiry would be sent in separate statements.
        .execution_options(render_nulls=True)
    )
    grants = (await session.exec(statement, params=values)).scalars().all()
    await add_granted_entries(session, grants, actor=actor, at=now)
    return grants


async def find_grants(
    session: AsyncSession, all_terms: Iterable[GrantTerms]
) -> dict[tuple[GrantSource, str], CreditGrant]:
    """The existing grants with these sources and references."""
    keys = {terms.key for terms in all_terms}
    statement = select(CreditGrant).where(
        col(CreditGrant.source).in_({source for source, _ in keys}),
        col(CreditGrant.reference).in_({reference for _, reference in keys}),
    )
    grants = (await session.exec(statement)).all()
    return {(grant.source, grant.reference): grant for grant in grants}


async def void_grant(
    session: AsyncSession, reader_id: str, grant_id: int, *, actor: Actor, clock: Clock
) -> CreditGrant:
    """Void the unspent credits of a grant permanently; repeating it is a no-op."""
    if not await lock_subscriber(session, reader_id):
        raise Problem(SUBSCRIBER_UNKNOWN)
    now = clock.now()
    statement = select(CreditGrant).where(
        CreditGrant.id == grant_id, CreditGrant.reader_id == reader_id
    )
    grant = (await session.exec(statement)).first()
    if grant is None:
        raise Problem(GRANT_UNKNOWN)
    if grant.voided_at is None:
        write_off(session, grant, actor=actor, at=now)
        grant.voided_at = now
        session.add(grant)
    return grant
