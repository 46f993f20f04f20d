"""What every flow with Bakong needs."""

from typing import NamedTuple

from paywall.bakong_problems import BAKONG_OFF
from paywall.database.engine import Database
from paywall.problems import Problem
from paywall.processors.bakong.client import BakongClient
from paywall.settings import Settings


class BakongContext(NamedTuple):
    """The database, the client of the bank's API, and the settings."""

    database: Database
    client: BakongClient
    settings: Settings


def require_bakong(bakong: BakongContext | None) -> BakongContext:
    """Raises Problem(BAKONG_OFF) where this service does not sell by Bakong."""
    if bakong is None:
        raise Problem(BAKONG_OFF)
    return bakong
