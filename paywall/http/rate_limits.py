"""Limits of requests a minute, counted by each worker for itself in a bounded memory."""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic

from paywall import telemetry
from paywall.problems import RATE_LIMITED, Problem
from paywall.telemetry import Limit

PERIOD_SECONDS = 60.0
KEYS_MAX = 10_000


class RateLimit:
    """At most `per_minute_max` at once, and then one whenever its share of a minute is over.

    For each key it keeps when its requests so far are used up (GCRA). Of more than KEYS_MAX keys,
    those that were used longest ago are forgotten, and may do as much again.
    """

    def __init__(
        self, limit: Limit, per_minute_max: int, now: Callable[[], float] = monotonic
    ) -> None:
        self._limit = limit
        self._share_seconds = PERIOD_SECONDS / per_minute_max
        self._now = now
        self._used_up_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used_up_at)

    def count(self, key: Hashable) -> None:
        """Count a request; raises Problem (RATE_LIMITED) instead if there were too many."""
        now = self._now()
        used_up_at = max(self._used_up_at.get(key, now), now) + self._share_seconds
        wait_seconds = used_up_at - now - PERIOD_SECONDS
        # Sums of shares are inexact, by far less than a share.
        if wait_seconds > self._share_seconds / 1000:
            telemetry.count_rate_limited(self._limit)
            raise Problem(RATE_LIMITED, headers={"Retry-After": str(math.ceil(wait_seconds))})
        self._used_up_at[key] = used_up_at
        self._used_up_at.move_to_end(key)
        if len(self._used_up_at) > KEYS_MAX:
            self._used_up_at.popitem(last=False)
