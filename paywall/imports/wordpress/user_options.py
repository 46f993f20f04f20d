"""The plug-ins' fields of one user, chosen as WordPress chooses them.

A user option is stored with the site's table prefix, and is looked for without it only if there is
no row with it: an empty row with the prefix hides another without. Of several rows the first
counts.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from paywall.imports.wordpress.oddities import Oddity, OddityKind, listed, shown


class Plugin(StrEnum):
    """The paywall plug-ins whose data is read."""

    PENCI = "penci"
    JNEWS = "jnews"


FIELD_PREFIXES = {Plugin.PENCI: "pencipw_", Plugin.JNEWS: "jpw_"}
SUBSCRIPTION_ID = "_subs_id"
FIELDS = frozenset(
    """
    unlock_remaining unlocked_post_list subscribe_status expired_date stripe_customer_id subs_type
    subscribe_id
    """.split()
)
# In a file in which any user has this field, a user without it does not exist.
USER_EXISTS = "ID"


class MetaRow(NamedTuple):
    """One row of `users.csv`, `posts.csv` or `terms.csv`, without its id."""

    line: int
    key: str
    value: str


class UserOptions(NamedTuple):
    """The row that counts, by plug-in and by the field's name without prefixes.

    `other_keys` are those of rows that are not the plug-ins'.
    """

    rows: Mapping[Plugin, Mapping[str, MetaRow]]
    other_keys: Sequence[str]
    oddities: Sequence[Oddity]


class _Field(NamedTuple):
    plugin: Plugin
    name: str
    # The table prefix in the key: the site's, another site's, or none.
    prefix: str


def user_options(rows: Sequence[MetaRow], table_prefix: str) -> UserOptions:
    """Choose the rows of one user, which are in the order of their `umeta_id`."""
    by_field: defaultdict[tuple[Plugin, str], list[tuple[bool, MetaRow]]] = defaultdict(list)
    other_keys: list[str] = []
    oddities: list[Oddity] = []
    for row in rows:
        field = _field_of(row.key, table_prefix)
        if field is None:
            other_keys.append(row.key)
        elif field.prefix not in ("", table_prefix):
            oddities.append(Oddity(OddityKind.OTHER_SITE, row.line, row.key, shown(row.value)))
        elif field.name in FIELDS or field.name.endswith(SUBSCRIPTION_ID):
            is_prefixed = field.prefix == table_prefix
            by_field[field.plugin, field.name].append((is_prefixed, row))
        elif row.value:
            oddities.append(Oddity(OddityKind.FIELD_UNKNOWN, row.line, row.key, shown(row.value)))
    chosen: dict[Plugin, dict[str, MetaRow]] = {plugin: {} for plugin in Plugin}
    for (plugin, name), found in by_field.items():
        chosen[plugin][name], passed_over = _choose(found)
        oddities += passed_over
    used = {plugin: named for plugin, named in chosen.items() if named}
    if len(used) > 1:
        line = min(row.line for named in used.values() for row in named.values())
        oddities.append(Oddity(OddityKind.TWO_PLUGINS, line, "", ""))
    return UserOptions(used, other_keys, oddities)


def _field_of(key: str, table_prefix: str) -> _Field | None:
    for prefix in (table_prefix, ""):
        for plugin, field_prefix in FIELD_PREFIXES.items():
            if key.startswith(prefix + field_prefix):
                return _Field(plugin, key.removeprefix(prefix + field_prefix), prefix)
    for plugin, field_prefix in FIELD_PREFIXES.items():
        other, found, name = key.partition(f"_{field_prefix}")
        if found:
            return _Field(plugin, name, f"{other}_")
    if key.startswith("jnews_") or "pencipw" in key:
        return _Field(Plugin.JNEWS, "", "")
    return None


def _choose(found: Sequence[tuple[bool, MetaRow]]) -> tuple[MetaRow, list[Oddity]]:
    prefixed = [row for is_prefixed, row in found if is_prefixed]
    plain = [row for is_prefixed, row in found if not is_prefixed]
    counted, *repeated = prefixed or plain
    oddities = []
    if repeated:
        detail = f"{shown(counted.value)} counts, not {listed(row.value for row in repeated)}"
        kind = OddityKind.ROW_REPEATED
        oddities.append(Oddity(kind, counted.line, counted.key, detail))
    hidden = [row.value for row in plain if row.value != counted.value] if prefixed else []
    if hidden:
        detail = f"{shown(counted.value)} counts, not {listed(hidden)}"
        oddities.append(Oddity(OddityKind.ROW_HIDDEN, counted.line, counted.key, detail))
    return counted, oddities
