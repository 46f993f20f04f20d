"""Granting credits for many rows, each source and reference once."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.credits.grant import GrantTerms, find_grants, grant_many
from paywall.rules.enums import Actor, UpsertOutcome

# What was done, or the fields in which an earlier grant of the same reference differs.
GrantOutcome = UpsertOutcome | list[str]


async def import_grants(
    session: AsyncSession, all_terms: Sequence[GrantTerms], *, actor: Actor, clock: Clock
) -> list[GrantOutcome]:
    """Grant what was not granted before; no two may have the same source and reference."""
    before = await find_grants(session, all_terms)
    new = [terms for terms in all_terms if terms.key not in before]
    grants = await grant_many(session, new, actor=actor, clock=clock)
    granted = {(grant.source, grant.reference) for grant in grants}
    # Another transaction may have granted the same reference between the two statements.
    before |= await find_grants(session, (t for t in new if t.key not in granted))
    return [
        UpsertOutcome.CREATED
        if terms.key in granted
        else terms.differing(before[terms.key]) or UpsertOutcome.UNCHANGED
        for terms in all_terms
    ]
