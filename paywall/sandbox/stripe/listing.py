"""Stripe's lists: newest first, a page at a time (https://docs.stripe.com/api/pagination)."""

import operator
from collections.abc import Iterable

from paywall.sandbox.stripe.forms import integer, text
from paywall.sandbox.stripe.refusal import invalid, no_such
from paywall.sandbox.stripe.shapes import Json, list_of

PAGE_ROWS = 10
PAGE_ROWS_MAX = 100
_COMPARED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def page(rows: Iterable[Json], given: Json, url: str) -> Json:
    """One page of these rows, which come oldest first, as `given` asks for it."""
    newest_first = [row for row in rows if _is_created_then(row, given)][::-1]
    limit = integer(given, "limit") or PAGE_ROWS
    if not 1 <= limit <= PAGE_ROWS_MAX:
        raise invalid("limit", f"Invalid integer: limit must be from 1 to {PAGE_ROWS_MAX}.")
    if before := text(given, "ending_before"):
        end = _place(newest_first, before, "ending_before")
        start = max(0, end - limit)
        return list_of(newest_first[start:end], url, has_more=start > 0)
    start = 0
    if after := text(given, "starting_after"):
        start = _place(newest_first, after, "starting_after") + 1
    end = start + limit
    return list_of(newest_first[start:end], url, has_more=end < len(newest_first))


def _place(rows: list[Json], thing_id: str, param: str) -> int:
    for place, row in enumerate(rows):
        if row["id"] == thing_id:
            return place
    raise no_such("object", thing_id, param)


def _is_created_then(row: Json, given: Json) -> bool:
    asked = given.get("created")
    if not asked:
        return True
    if isinstance(asked, str):
        return bool(row["created"] == int(asked))
    return all(_COMPARED[name](row["created"], int(bound)) for name, bound in asked.items())
