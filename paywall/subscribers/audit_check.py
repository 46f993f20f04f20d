"""A rule that the database must satisfy, and the query for rows that violate it.

The queries run on both databases. Where the SQL differs, they use a macro: `ERASED(reader_id)`,
whether this is the tombstone of an erased reader (`erased_` and 32 digits), and `SECONDS(at)`, the
whole seconds of a time.
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
# Processes measure the database's clock with small differences, and it can be set back.
CLOCK_SKEW_SECONDS_MAX = 60


FIRST_VIOLATIONS = Template(
    """
    with breach(name) as ($breaches)
    select name, (select count(*) from breach)
    from breach order by length(name), name limit $rows_max
    """
)


def expand_macros(query: str, dialect: str) -> str:
    for name, text in MACROS[dialect].items():
        query = re.sub(rf"{name}\(([^()]+)\)", text, query)
    return query


class AuditCheck(NamedTuple):
    """A rule, and the query for the rows that violate it; its one column names the row.

    `parts` are shared query fragments, each inserted as `$NAME`.
    """

    promise: str
    breaches: str
    parts: Mapping[str, object] = {}

    def query(self, dialect: str, *, rows_max: int) -> str:
        """The query for the first violations, each with the total number."""
        breaches = expand_macros(Template(self.breaches).substitute(self.parts), dialect)
        return FIRST_VIOLATIONS.substitute(breaches=breaches, rows_max=rows_max)
