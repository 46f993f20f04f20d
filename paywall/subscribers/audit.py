"""`paywall audit`: checks by independent SQL that the whole database is consistent.

Most checks are one query for rows that violate a rule; prepaid time is worked out reader by reader.
They share no code with the functions that write.
"""

import re
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.subscribers.audit_bakong import BAKONG_CHECKS
from paywall.subscribers.audit_credits import CREDIT_CHECKS
from paywall.subscribers.audit_history import HISTORY_CHECKS
from paywall.subscribers.audit_payments import PAYMENT_CHECKS
from paywall.subscribers.audit_prepaid import PROMISE, wrong_prepaid_rows
from paywall.subscribers.audit_subscriptions import SUBSCRIPTION_CHECKS

ROWS_NAMED_MAX = 20
CHECKS = (
    *CREDIT_CHECKS,
    *PAYMENT_CHECKS,
    *BAKONG_CHECKS,
    *SUBSCRIPTION_CHECKS,
    *HISTORY_CHECKS,
)


class Violation(NamedTuple):
    """A violated rule, with the number of violating rows and at most 20 of their names."""

    promise: str
    breaches: int
    rows: list[str]


async def audit(session: AsyncSession) -> list[Violation]:
    """Run every check; an empty list means that the database is consistent."""
    findings = []
    connection = await session.connection()
    dialect = connection.dialect.name
    for proof in CHECKS:
        query = sa.text(proof.query(dialect, rows_max=ROWS_NAMED_MAX))
        found = (await connection.execute(query)).all()
        if found:
            rows = sorted((str(name) for name, _ in found), key=_numeric_order)
            findings.append(Violation(proof.promise, found[0][1], rows))
    breaches, rows = await wrong_prepaid_rows(connection, rows_max=ROWS_NAMED_MAX)
    if breaches:
        findings.append(Violation(PROMISE, breaches, rows))
    return findings


def _numeric_order(row: str) -> list[tuple[int, str]]:
    """A sort key that puts grant 9 before grant 10."""
    return [(int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", row)]
