"""Setting the policies of articles that are on record, each once for each actor."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.database.tables import Article, PolicyChange
from paywall.database.tables.actor import actor_values
from paywall.rules.decision import Policy
from paywall.rules.enums import Actor, UpsertOutcome


async def set_policies(
    session: AsyncSession, policies: Mapping[str, Policy], *, actor: Actor, clock: Clock
) -> dict[str, UpsertOutcome]:
    """The outcome for each article that is on record; the others are left out.

    A policy that the same actor set before is not set again: somebody may have changed it since. So
    the first time is recorded as a change also where the policy was the same already.
    """
    locking = (
        select(Article).where(col(Article.id).in_(policies)).order_by(col(Article.id))
    ).with_for_update()
    articles = (await session.exec(locking)).all()
    earlier = select(PolicyChange.article_id).where(
        col(PolicyChange.article_id).in_(policies),
        PolicyChange.actor_issuer == actor.issuer,
        PolicyChange.actor_subject == actor.subject,
    )
    settled = set((await session.exec(earlier)).all())
    now = clock.now()
    outcomes: dict[str, UpsertOutcome] = {}
    changes: list[dict[str, object]] = []
    for article in articles:
        policy = policies[article.id]
        is_first = article.id not in settled
        is_changed = is_first and article.policy != policy
        outcomes[article.id] = UpsertOutcome.REPLACED if is_changed else UpsertOutcome.UNCHANGED
        if is_changed:
            article.policy, article.updated_at = policy, now
            session.add(article)
        if is_first:
            changes.append({
                "article_id": article.id,
                "at": now,
                "policy": policy,
                "unlock_cost": article.unlock_cost,
                **actor_values(actor),
            })  # fmt: skip
    if changes:
        await session.exec(sa.insert(PolicyChange).values(changes))
    return outcomes
