"""Stripe's lists: newest first, in pages (https://docs.stripe.com/api/pagination)."""

import operator
from collections.abc import Iterable

from paywall.sandbox.stripe.errors import invalid_parameter, no_such_object
from paywall.sandbox.stripe.forms import optional_integer, optional_text
from paywall.sandbox.stripe.objects import Json, list_object

PAGE_ROWS = 10
PAGE_ROWS_MAX = 100
_OPERATORS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def paginate(rows: Iterable[Json], params: Json, url: str) -> Json:
    """The page of these rows, given oldest first, that `params` asks for."""
    newest_first = [row for row in rows if _matches_created(row, params)][::-1]
    limit = optional_integer(params, "limit") or PAGE_ROWS
    if not 1 <= limit <= PAGE_ROWS_MAX:
        raise invalid_parameter(
            "limit", f"Invalid integer: limit must be from 1 to {PAGE_ROWS_MAX}."
        )
    if before := optional_text(params, "ending_before"):
        end = _index_of(newest_first, before, "ending_before")
        start = max(0, end - limit)
        return list_object(newest_first[start:end], url, has_more=start > 0)
    start = 0
    if after := optional_text(params, "starting_after"):
        start = _index_of(newest_first, after, "starting_after") + 1
    end = start + limit
    return list_object(newest_first[start:end], url, has_more=end < len(newest_first))


def _index_of(rows: list[Json], object_id: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == object_id:
            return index
    raise no_such_object("object", object_id, param)


def _matches_created(row: Json, params: Json) -> bool:
    created = params.get("created")
    if not created:
        return True
    if isinstance(created, str):
        return bool(row["created"] == int(created))
    return all(_OPERATORS[name](row["created"], int(bound)) for name, bound in created.items())
