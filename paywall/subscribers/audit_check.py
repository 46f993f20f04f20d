"""A promise that the database keeps, and the query that finds what breaks it.

The queries run on both databases. What these write differently is written as a macro:
`ERASED(reader_id)`, whether it is the tombstone of an erased reader (`erased_` and 32 digits), and
`SECONDS(at)`, the whole seconds of a time.
"""

import re
from collections.abc import Mapping
from string import Template
from typing import NamedTuple

MACROS = {
    "sqlite": {
        "ERASED": r"(\1 glob 'erased_*' and length(\1) = 39)",
        "SECONDS": r"cast(strftime('%s', \1) as integer)",
    },
    "postgresql": {
        "ERASED": r"(starts_with(\1, 'erased_') and length(\1) = 39)",
        "SECONDS": r"floor(extract(epoch from \1))",
    },
}
# Processes measure the database's clock, each a little differently, and it may be set back.
CLOCK_SKEW_SECONDS_MAX = 60


FIRST_VIOLATIONS = Template(
    """
    with breach(name) as ($breaches)
    select name, (select count(*) from breach)
    from breach order by length(name), name limit $rows_max
    """
)


class AuditCheck(NamedTuple):
    """A promise, and the query for the rows that break it (its one column names the row).

    `parts` are what the query shares with others: `$NAME` stands for each.
    """

    promise: str
    breaches: str
    parts: Mapping[str, object] = {}

    def query(self, dialect: str, *, rows_max: int) -> str:
        """A query for the first breaches, each with the number of all."""
        breaches = Template(self.breaches).substitute(self.parts)
        for name, text in MACROS[dialect].items():
            breaches = re.sub(rf"{name}\(([^()]+)\)", text, breaches)
        return FIRST_VIOLATIONS.substitute(breaches=breaches, rows_max=rows_max)
