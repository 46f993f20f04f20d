"""What a problem document consists of, and the limits of its texts."""

from http import HTTPStatus
from typing import NamedTuple

# The number of errors in one response: a body of 1 MiB can have 100,000 wrong fields.
ERRORS_MAX = 20
FIELD_CHARS_MAX = 64
ERROR_DETAIL_CHARS_MAX = 500
DETAIL_CHARS_MAX = 2000


class FieldError(NamedTuple):
    """What is wrong with one field of the request; `field` is its path, such as `tags[2]`."""

    field: str
    detail: str

    def shortened(self) -> "FieldError":
        """With at most FIELD_CHARS_MAX of the field and ERROR_DETAIL_CHARS_MAX of the detail."""
        return FieldError(
            truncate(self.field, FIELD_CHARS_MAX), truncate(self.detail, ERROR_DETAIL_CHARS_MAX)
        )


class ProblemMember(NamedTuple):
    """An extension member of a problem type (RFC 9457 §3.2)."""

    name: str
    type: type
    description: str


class ProblemType(NamedTuple):
    """A type of problem. Its `code` is stable; its `type` is `/problems/` and the code."""

    code: str
    status: HTTPStatus
    title: str
    remedy: str
    members: tuple[ProblemMember, ...] = ()


def truncate(text: str, chars_max: int) -> str:
    """The text, with an ellipsis at the end if it is longer than `chars_max`."""
    return text if len(text) <= chars_max else f"{text[: chars_max - 1]}…"
