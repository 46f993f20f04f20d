"""Numbers and dates as the old plug-ins store them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from paywall.imports.wordpress.php_values import PhpValue

# PHP's numeric strings: white space around them is allowed.
NUMERIC = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
NUMERIC_CHARACTERS_MAX = 40
POST_ID = re.compile(r"\s*0*([1-9][0-9]{0,18})\s*", re.ASCII)
POST_ID_MAX = 2**63 - 1
TIME = r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d+)?)?)?"
UTC_ZONE = r"(?:\s*(?:Z|UTC|GMT|\+00:?00))?"
BY_NUMBER = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}}){TIME}{UTC_ZONE}", re.ASCII
)
BY_NAME = re.compile(
    rf"(?P<name>[A-Za-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}){TIME}{UTC_ZONE}",
    re.ASCII,
)
MONTHS = (
    "january february march april may june july august september october november december".split()
)
# PHP takes up to this day in each month, and counts on from the month's last one.
DAY_MAX = 31
HOUR_MAX = 24


class ParsedDate(NamedTuple):
    """A time in UTC; `is_moved` where the month does not have its day."""

    at: datetime
    is_moved: bool


def is_truthy(value: PhpValue) -> bool:
    """Whether PHP takes the value for true."""
    return value not in (None, False, "", "0", 0, 0.0) and value != {}


def number_of(value: PhpValue) -> Decimal | None:
    """The number that a value is in PHP; None for everything else."""
    match value:
        case bool():
            return Decimal(int(value))
        case int():
            return Decimal(value)
        case float() if value - value == 0:
            return Decimal(value)
        case str() if len(value) <= NUMERIC_CHARACTERS_MAX and NUMERIC.fullmatch(value):
            return Decimal(value.strip())
        case _:
            return None


def rounded_up(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))


def post_id_of(value: PhpValue) -> int | None:
    """The id of a post, as a number or as a text; None for everything else."""
    match value:
        case bool():
            return None
        case int() if 0 < value <= POST_ID_MAX:
            return value
        case float() if value.is_integer() and 0 < value <= 2**53:
            return int(value)
        case str() if (digits := POST_ID.fullmatch(value)) and int(digits[1]) <= POST_ID_MAX:
            return int(digits[1])
        case _:
            return None


def parse_date(text: str) -> ParsedDate | None:
    """A date as `F d, Y` or `Y-m-d H:i:s`, in UTC; None for what is no date.

    A day that the month does not have is counted on, as PHP does: 30 February is 2 March.
    """
    match = BY_NUMBER.fullmatch(text.strip()) or BY_NAME.fullmatch(text.strip())
    if match is None:
        return None
    parts = {name: int(digits) for name, digits in match.groupdict("0").items() if name != "name"}
    month = parts.get("month") or _month_of(match.groupdict().get("name") or "")
    day, hour = parts["day"], parts["hour"]
    if not month or not 1 <= day <= DAY_MAX or hour > HOUR_MAX:
        return None
    try:
        first = datetime(parts["year"], month, 1, tzinfo=UTC)
        at = first + timedelta(
            days=day - 1, hours=hour, minutes=parts["minute"], seconds=parts["second"]
        )
    except (ValueError, OverflowError):
        return None
    return ParsedDate(at, (first + timedelta(days=day - 1)).month != month)


def _month_of(name: str) -> int:
    """1 to 12 for the English name of a month or its first three letters; 0 for anything else."""
    found = [
        number
        for number, month in enumerate(MONTHS, 1)
        if name.lower() in (month, month[:3], "sept" if month == "september" else month)
    ]
    return found[0] if found else 0
