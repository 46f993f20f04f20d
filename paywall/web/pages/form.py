"""The fields that the forms of plain pages send, and how long each may be."""

from collections.abc import Mapping
from typing import Any

from litestar import Request

from paywall.problems import MALFORMED, Problem
from paywall.subscriptions.feedback import COMMENT_CHARS_MAX
from paywall.tokens.limits import TOKEN_BYTES_MAX
from paywall.unlocks.api import SEARCH_CHARS_MAX
from paywall.web.language import LANGUAGE_TAG_CHARS_MAX
from paywall.web.pages.session import NAME_LENGTH_MAX

FORM_BYTES_MAX = 16 * 1024
ADDRESS_CHARS_MAX = 2000
ID_CHARS_MAX = 200
COST_DIGITS_MAX = 7
WORD_CHARS_MAX = 20
FIELD_CHARS_MAX: Mapping[str, int] = {
    "agreed": WORD_CHARS_MAX,
    "article": ID_CHARS_MAX,
    "article_id": ID_CHARS_MAX,
    "back": ADDRESS_CHARS_MAX,
    # Twice the length of a comment: a browser sends a line break as two characters.
    "comment": 2 * COMMENT_CHARS_MAX,
    "consent": WORD_CHARS_MAX,
    "form_token": 64,
    "key": 64,
    "khqr": ID_CHARS_MAX,
    "language": LANGUAGE_TAG_CHARS_MAX,
    "max_cost": COST_DIGITS_MAX,
    "name": NAME_LENGTH_MAX,
    # A kind, a currency and an id.
    "order": ID_CHARS_MAX + 2 * WORD_CHARS_MAX,
    "page": WORD_CHARS_MAX,
    "processor": WORD_CHARS_MAX,
    "purchase_id": WORD_CHARS_MAX,
    "reason": WORD_CHARS_MAX,
    "receipt": ID_CHARS_MAX,
    "receipt_id": ID_CHARS_MAX,
    "return": ADDRESS_CHARS_MAX,
    "search": SEARCH_CHARS_MAX,
    "subscription": ID_CHARS_MAX,
    "subscription_id": ID_CHARS_MAX,
    "token": TOKEN_BYTES_MAX,
    "when": WORD_CHARS_MAX,
}


async def read_form(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """The known fields of a form, each cut at one character past its limit.

    So whoever reads a field that is too long sees that it is, and refuses it. Raises Problem for a
    part that is no text: it may name any encoding as its own.
    """
    try:
        form = await request.form()
    except (UnicodeError, LookupError) as error:
        raise Problem(MALFORMED, "Send the fields of a form as text in UTF-8.") from error
    return {
        name: value[: FIELD_CHARS_MAX[name] + 1]
        for name, value in form.items()
        if isinstance(value, str) and name in FIELD_CHARS_MAX
    }


def address(value: str) -> str:
    """A URL that was sent, or nothing where it is too long."""
    return value if len(value) <= ADDRESS_CHARS_MAX else ""
