"""`paywall audit`: proves for the whole database that its facts agree, by SQL of its own.

Each proof is one query that finds the rows for which a promise does not hold; it shares no code
with the verbs that write.
"""

import re
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.subscribers.audit_credits import CREDIT_CHECKS
from paywall.subscribers.audit_history import HISTORY_CHECKS
from paywall.subscribers.audit_payments import PAYMENT_CHECKS
from paywall.subscribers.audit_subscriptions import SUBSCRIPTION_CHECKS

ROWS_NAMED_MAX = 20
CHECKS = (*CREDIT_CHECKS, *PAYMENT_CHECKS, *SUBSCRIPTION_CHECKS, *HISTORY_CHECKS)


class Violation(NamedTuple):
    """A promise that does not hold, with the rows, at most 20 of them named."""

    promise: str
    breaches: int
    rows: list[str]


async def audit(session: AsyncSession) -> list[Violation]:
    """Every promise that does not hold; an empty list is the proof."""
    findings = []
    connection = await session.connection()
    dialect = connection.dialect.name
    for proof in CHECKS:
        query = sa.text(proof.query(dialect, rows_max=ROWS_NAMED_MAX))
        found = (await connection.execute(query)).all()
        if found:
            rows = sorted((str(name) for name, _ in found), key=_numeric_order)
            findings.append(Violation(proof.promise, found[0][1], rows))
    return findings


def _numeric_order(row: str) -> list[tuple[int, str]]:
    """Grant 9 stands before grant 10."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", row)]
