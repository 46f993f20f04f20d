"""What one reader has in the old plug-in, read from the fields that count."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from paywall.imports.wordpress.oddities import Oddity, OddityKind, joined, shown
from paywall.imports.wordpress.old_values import (
    is_truthy,
    number_of,
    parse_date,
    post_id_of,
    rounded_up,
)
from paywall.imports.wordpress.php_values import (
    PhpError,
    PhpObject,
    PhpValue,
    stored_value,
    unserialize,
)
from paywall.imports.wordpress.user_options import (
    SUBSCRIPTION_ID,
    MetaRow,
    Plugin,
    UserOptions,
)

GRANT_CREDITS_MAX = 1_000_000
ACTIVE = "ACTIVE"
# How database clients write a value that is NULL.
SQL_NULLS = ("NULL", r"\N")
STRIPE, WOOCOMMERCE = "stripe", "woocommerce"
# JNews waits so long for a renewal before it ends access.
WAITS_FOR_RENEWAL = {Plugin.PENCI: timedelta(0), Plugin.JNEWS: timedelta(hours=1)}


class OldSubscription(NamedTuple):
    """A reader's subscription there.

    `ids` are the processors' ids for it, by the processor's name; `bills_by` is the current one, or
    empty. `end_text` is the end as it is stored, `ends_at` what it means: None if it is no date.
    """

    is_open: bool
    end_text: str
    ends_at: datetime | None
    ids: Mapping[str, str]
    bills_by: str
    stripe_customer_id: str
    # Of the row with the end or the status.
    line: int


class OldReader(NamedTuple):
    """What a reader has there; `post_ids` in the order of the list, each once."""

    credits: int
    post_ids: Sequence[int]
    # The line of the row with the list of posts.
    posts_line: int
    subscriptions: Sequence[OldSubscription]
    oddities: Sequence[Oddity]


class _OldFields:
    """The fields of one reader in one plug-in; what is odd about them is collected."""

    def __init__(self, plugin: Plugin, rows: Mapping[str, MetaRow]) -> None:
        self.plugin = plugin
        self.rows = rows
        self.oddities: list[Oddity] = []

    def add(self, kind: OddityKind, row: MetaRow, detail: str) -> None:
        self.oddities.append(Oddity(kind, row.line, row.key, detail))

    def value(self, name: str) -> PhpValue:
        """The value as PHP sees it; None for what is missing or cannot be read."""
        row = self.rows.get(name)
        if row is None or row.value in SQL_NULLS:
            return None
        try:
            value = stored_value(row.value)
        except PhpError as error:
            self.add(OddityKind.VALUE_UNREADABLE, row, f"{error}: {shown(row.value)}")
            return None
        if value is PhpObject.SKIPPED:
            self.add(OddityKind.VALUE_OBJECT, row, shown(row.value))
            return None
        return value

    def text(self, name: str) -> str:
        """The value as a text; empty for what is missing, false, an array or unreadable."""
        value = self.value(name)
        is_text = is_truthy(value) and isinstance(value, str | int | float)
        return str(value).strip() if is_text else ""

    def credits(self) -> int:
        value = self.value("unlock_remaining")
        if not is_truthy(value) or (isinstance(value, str) and not value.strip()):
            return 0
        row, number = self.rows["unlock_remaining"], number_of(value)
        if number is None:
            self.add(OddityKind.CREDITS_NOT_A_NUMBER, row, shown(row.value))
            return 0
        if number < 0:
            self.add(OddityKind.CREDITS_NEGATIVE, row, shown(row.value))
            return 0
        if number > GRANT_CREDITS_MAX:
            self.add(OddityKind.CREDITS_TOO_MANY, row, shown(row.value))
            return 0
        if rounded_up(number) != number:
            self.add(OddityKind.CREDITS_ROUNDED_UP, row, shown(row.value))
        return rounded_up(number)

    def post_ids(self) -> list[int]:
        """The ids of the unlocked posts, each once."""
        value = self.value("unlocked_post_list")
        if not is_truthy(value):
            return []
        row = self.rows["unlocked_post_list"]
        elements = self._elements(value, row)
        ids: dict[int, None] = {}
        for kind, element in [(_kind_of_id(element), element) for element in elements]:
            post_id = post_id_of(element)
            if post_id in ids:
                self.add(OddityKind.UNLOCK_TWICE, row, shown(post_id))
            elif kind is not None:
                self.add(kind, row, shown(element))
            if post_id is not None:
                ids[post_id] = None
        return list(ids)

    def _elements(self, value: PhpValue, row: MetaRow) -> Sequence[PhpValue]:
        """The elements of the list; a list that was serialized twice, or one id alone, is read."""
        if isinstance(value, dict):
            return list(value.values())
        if isinstance(value, str) and post_id_of(value) is None:
            try:
                value = unserialize(value)
            except PhpError as error:
                self.add(OddityKind.VALUE_UNREADABLE, row, f"{error}: {shown(row.value)}")
                return []
        self.add(OddityKind.UNLOCK_LIST_ODD, row, shown(row.value))
        return list(value.values()) if isinstance(value, dict) else [value]

    def subscription(self) -> OldSubscription | None:
        ids = {
            name.removesuffix(SUBSCRIPTION_ID): self.text(name)
            for name in self.rows
            if name.endswith(SUBSCRIPTION_ID)
        }
        ids[WOOCOMMERCE] = self.text("subscribe_id")
        ids = {processor: id_ for processor, id_ in ids.items() if id_}
        is_open = self._is_open()
        end_text, ends_at = self._end(is_open=is_open or STRIPE in ids)
        customer_id = self.text("stripe_customer_id")
        if not (is_open or ids or ends_at or customer_id):
            return None
        names = ("expired_date", "subscribe_status", "stripe_subs_id")
        line = next((self.rows[name].line for name in names if name in self.rows), 0)
        return OldSubscription(
            is_open, end_text, ends_at, ids, self.text("subs_type").lower(), customer_id, line
        )

    def _is_open(self) -> bool:
        status = self.value("subscribe_status")
        if is_truthy(status) and status != ACTIVE:
            row = self.rows["subscribe_status"]
            self.add(OddityKind.STATUS_ODD, row, shown(row.value))
        return is_truthy(status)

    def _end(self, *, is_open: bool) -> tuple[str, datetime | None]:
        text = self.text("expired_date")
        parsed = parse_date(text)
        if parsed is None:
            return text, None
        if parsed.is_moved and is_open:
            detail = f"{shown(text)} is {parsed.at:%Y-%m-%d}"
            self.add(OddityKind.END_MOVED, self.rows["expired_date"], detail)
        return text, parsed.at + WAITS_FOR_RENEWAL[self.plugin]


def _kind_of_id(element: PhpValue) -> OddityKind | None:
    """What is odd about an element of the list of posts, if anything is."""
    match element:
        case int() if post_id_of(element) is not None:
            return None
        case str() | float() if post_id_of(element) is not None:
            return OddityKind.UNLOCK_AS_TEXT
        case PhpObject():
            return OddityKind.VALUE_OBJECT
        case _:
            return OddityKind.UNLOCK_NOT_A_POST


def read_old_reader(options: UserOptions) -> OldReader:
    """Read what the reader has in either plug-in: credits are added, lists of posts united."""
    credits_, posts_line = 0, 0
    post_ids: dict[int, None] = {}
    subscriptions: list[OldSubscription] = []
    oddities = [*options.oddities]
    for plugin, rows in options.rows.items():
        fields = _OldFields(plugin, rows)
        credits_ += fields.credits()
        post_ids |= dict.fromkeys(fields.post_ids())
        if "unlocked_post_list" in rows:
            posts_line = rows["unlocked_post_list"].line
        if subscription := fields.subscription():
            subscriptions.append(subscription)
        oddities += _united(fields.oddities)
    return OldReader(credits_, list(post_ids), posts_line, subscriptions, oddities)


def _united(oddities: Sequence[Oddity]) -> list[Oddity]:
    """Oddities of one kind and one row as one, with a limited number of details."""
    details: dict[tuple[OddityKind, int, str], list[str]] = {}
    for oddity in oddities:
        details.setdefault((oddity.kind, oddity.line, oddity.field), []).append(oddity.detail)
    return [
        Oddity(kind, line, field, joined(found)) for (kind, line, field), found in details.items()
    ]
