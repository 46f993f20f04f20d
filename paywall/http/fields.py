"""Field types that many models share, with their limits."""

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter
from msgspec import Meta

from paywall.rules.urls import WEB_URL_PATTERN

NOT_IN_IDS = r"\x00-\x1f\x7f-\x9f/\\\ud800-\udfff"
# White space except control characters; spelled out because dialects of `\s` differ.
SPACES = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ANY, INK, INK_BUT_DOT = f"[^{NOT_IN_IDS}]", f"[^{NOT_IN_IDS}{SPACES}]", f"[^{NOT_IN_IDS}{SPACES}.]"
# No lookarounds, which RE2 (Go) lacks; the alternative for 3 or more characters is first for speed.
ID_PATTERN = rf"^(?:{INK}{ANY}{{1,198}}{INK}|{INK_BUT_DOT}{INK}|\.?{INK_BUT_DOT})\Z"
ID_RULE = (
    "1 to 200 characters: no control characters, no / or \\, no space at either end,"
    " not . or .. alone"
)
LINE_LENGTH_MAX = 2000
LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*\Z"
LINE_RULE = "one line, no control characters"
TEXT_PATTERN = r"^[^\x00\ud800-\udfff]*\Z"
TEXT_RULE = "text without NUL"
WEB_ADDRESS_RULE = (
    "a complete http or https address such as https://news.example/42, without spaces, \\ or a user"
    " name"
)
PROCESSOR_PATTERN = r"^[a-z0-9_-]{1,40}\Z"
PROCESSOR_RULE = "1 to 40 of the characters a to z, 0 to 9, _ and -"
CURRENCY_PATTERN = r"^[A-Za-z]{3}\Z"
CURRENCY_RULE = "three letters, as in ISO 4217"

ANY_CREDITS = "A number of credits."
ANY_TIMESTAMP = "RFC 3339, with an offset."
NUMBER_MAX = 2**63 - 1
# The most money in one payment or price, in the smallest unit of its currency.
AMOUNT_MAX = 10**12

RULES = {
    ID_PATTERN: ID_RULE,
    LINE_PATTERN: LINE_RULE,
    TEXT_PATTERN: TEXT_RULE,
    WEB_URL_PATTERN: WEB_ADDRESS_RULE,
    PROCESSOR_PATTERN: PROCESSOR_RULE,
    CURRENCY_PATTERN: CURRENCY_RULE,
}

Id = Annotated[str, Meta(pattern=ID_PATTERN, description=ID_RULE)]
PathId = Annotated[str, PathParameter(pattern=ID_PATTERN, description=ID_RULE)]
PathNumber = Annotated[int, PathParameter(ge=1, le=NUMBER_MAX)]
Line = Annotated[str, Meta(pattern=LINE_PATTERN, max_length=LINE_LENGTH_MAX, description=LINE_RULE)]
Text = Annotated[str, Meta(pattern=TEXT_PATTERN, description=TEXT_RULE)]
WebAddress = Annotated[
    str, Meta(pattern=WEB_URL_PATTERN, max_length=LINE_LENGTH_MAX, description=WEB_ADDRESS_RULE)
]
Credits = Annotated[int, Meta(ge=1, le=1_000_000, description=ANY_CREDITS)]
Timestamp = Annotated[datetime, Meta(tz=True, description=ANY_TIMESTAMP)]


def describe_pattern(message: str) -> str:
    """Replace the regular expression in a message of msgspec by a description of it."""
    for pattern, rule in RULES.items():
        if f"matching regex {pattern!r}" in message:
            return f"Expected {rule}"
    return message
