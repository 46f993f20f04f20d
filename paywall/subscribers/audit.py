"""`paywall audit`: proves for the whole database that its facts agree, by SQL of its own.

Each proof is one query that finds the rows for which a promise does not hold; it shares no code
with the verbs that write.
"""

import re
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.subscribers.audit_credits import CREDITS
from paywall.subscribers.audit_history import HISTORY
from paywall.subscribers.audit_payments import MONEY
from paywall.subscribers.audit_subscriptions import ACCESS

ROWS_NAMED_AT_MOST = 20
PROOFS = (*CREDITS, *MONEY, *ACCESS, *HISTORY)


class Finding(NamedTuple):
    """A promise that does not hold, with the rows, at most 20 of them named."""

    promise: str
    breaches: int
    rows: list[str]


async def audit(session: AsyncSession) -> list[Finding]:
    """Every promise that does not hold; an empty list is the proof."""
    findings = []
    connection = await session.connection()
    dialect = connection.dialect.name
    for proof in PROOFS:
        query = sa.text(proof.query(dialect, rows_max=ROWS_NAMED_AT_MOST))
        found = (await connection.execute(query)).all()
        if found:
            rows = sorted((str(name) for name, _ in found), key=_by_number)
            findings.append(Finding(proof.promise, found[0][1], rows))
    return findings


def _by_number(row: str) -> list[tuple[int, str]]:
    """Grant 9 stands before grant 10."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", row)]
