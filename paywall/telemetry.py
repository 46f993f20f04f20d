"""Prometheus metrics and the log of requests, without tokens, bodies or reading history."""

import logging
import logging.config
import platform
import sys
import threading
from datetime import datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from itertools import product
from time import time
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from paywall import __version__
from paywall.json_log import JsonLines, RequestIds
from paywall.rules.decision import Reason
from paywall.rules.enums import CodeOutcome, EventOutcome

LOGGED_ONLY_ON_FAILURE = frozenset({"/v1/access/check"})
# The loggers of this service, its server and the event loop.
LOGGERS = ("paywall", "uvicorn.error", "asyncio", "py.warnings")
LEVELS_COUNTED = ("warning", "error", "critical")
FAILURES = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
UNLOCK_OUTCOMES = (
    "new",
    Reason.FREE,
    Reason.SUBSCRIBED,
    Reason.UNLOCKED,
    Reason.REGISTERED,
    Reason.METERED,
)

logger = logging.getLogger("paywall")

_request_seconds = Histogram(
    "paywall_request_seconds",
    "Duration of answered requests.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_failures = Counter(
    "paywall_failed_requests", "Requests that were answered with a 5xx status.", ["status"]
)
_decisions = Counter("paywall_decisions", "Decisions, by reason.", ["reason"])
_unlocks = Counter("paywall_unlocks", "Unlock requests, by outcome.", ["outcome"])
_rate_limited = Counter(
    "paywall_rate_limited", "Requests that were refused with 429, by limit.", ["limit"]
)
_stripe_events = Counter("paywall_stripe_events", "Stripe events, by outcome.", ["outcome"])
_stripe_drift = Counter(
    "paywall_stripe_drift", "Missed changes that reconcile found and applied, by kind.", ["kind"]
)
_stripe_last_event = Gauge(
    "paywall_stripe_last_event_timestamp_seconds",
    "When an event of Stripe's was last handled.",
    multiprocess_mode="max",
)
_bakong_calls = Counter(
    "paywall_bakong_calls", "Calls of Bakong's API, by outcome.", ["call", "outcome"]
)
_khqr_codes = Counter(
    "paywall_khqr_codes", "KHQR codes that the bank was asked about, by outcome.", ["outcome"]
)
_khqr_waiting_seconds = Gauge(
    "paywall_khqr_waiting_seconds",
    "Time for which the bank has not answered about the code that waits longest.",
    multiprocess_mode="mostrecent",
)
_unmatched_payments = Gauge(
    "paywall_unmatched_payments",
    "Payments for KHQR codes that the site has to give or return.",
    multiprocess_mode="mostrecent",
)
_errors = Counter("paywall_errors", "Warnings and errors in the log.", ["logger", "level"])
worker_ends = Counter("paywall_worker_ends", "Workers that had to be replaced.", ["how"])
_credits_outstanding = Gauge(
    "paywall_credits_outstanding",
    "Credits that readers can still spend.",
    multiprocess_mode="mostrecent",
)
_database_reachable = Gauge(
    "paywall_database_reachable",
    "1 while every worker reaches the database, which is tried every 2 s; else 0.",
    ["database"],
    multiprocess_mode="livemin",
)
_pool_wait_seconds = Histogram(
    "paywall_database_pool_wait_seconds",
    "Time until a request got a PostgreSQL connection from the pool.",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_task_success = Gauge(
    "paywall_task_last_success_timestamp_seconds",
    "When a background task last succeeded; 0 means not since the start.",
    ["task"],
    multiprocess_mode="max",
)
_build = Gauge(
    "paywall_build_info",
    "The running version; always 1.",
    ["version", "python"],
    multiprocess_mode="max",
)


class BackgroundTask(StrEnum):
    """Work that runs beside the requests, at regular intervals."""

    HOUSEKEEPING = "housekeeping"
    RECONCILE = "reconcile"
    KHQR_SWEEP = "khqr_sweep"


class Limit(StrEnum):
    """What is limited to a number of requests a minute."""

    SITE = "site"
    READER = "reader"
    SIGN_IN = "sign_in"


class BakongCall(StrEnum):
    """A call of Bakong's API."""

    TRANSACTION = "transaction"
    LIST = "list"
    DEEP_LINK = "deep_link"
    RENEW_TOKEN = "renew_token"  # noqa: S105 (the name of a call)
    ACCOUNT = "account"


class BakongOutcome(StrEnum):
    """How a call of Bakong's API ended; only the first is an answer."""

    ANSWERED = "answered"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 (an outcome)
    FORBIDDEN = "forbidden"
    TOO_MANY = "too_many"
    FAILED = "failed"
    UNCLEAR = "unclear"
    NOT_ASKED = "not_asked"


class WorkerEnd(StrEnum):
    """How a worker ended unexpectedly."""

    DIED = "died"
    HUNG = "hung"
    NEVER_CAME_UP = "never_came_up"


def start_at_zero() -> None:
    """Start all counts at 0, so that the first increase is visible to `rate()`."""
    _build.labels(__version__, platform.python_version()).set(1)
    for status in FAILURES:
        _failures.labels(int(status))
    for reason in Reason:
        _decisions.labels(reason)
    for outcome in UNLOCK_OUTCOMES:
        _unlocks.labels(outcome)
    for limit in Limit:
        _rate_limited.labels(limit)
    for event_outcome in EventOutcome:
        _stripe_events.labels(event_outcome)
    for call, call_outcome in product(BakongCall, BakongOutcome):
        _bakong_calls.labels(call, call_outcome)
    for name, level in product(LOGGERS, LEVELS_COUNTED):
        _errors.labels(name, level)


def record_request(
    *, method: str, route: str, status: int, seconds: float, ids: RequestIds
) -> None:
    """Count and log a request under its route template, never under its path."""
    count_request(method=method, route=route, status=status, seconds=seconds)
    if route in LOGGED_ONLY_ON_FAILURE and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    fields = {
        **ids.fields(),
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    logger.info("request", extra={"fields": fields})


def count_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """Count a request without logging it."""
    _seconds_of(method, route, status).observe(seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _failures.labels(status).inc()


def count_decision(reason: str) -> None:
    """Count one decision by its reason."""
    _decisions_with(reason).inc()


def count_unlock(outcome: str) -> None:
    """Count one unlock request by its outcome."""
    _unlocks_with(outcome).inc()


def count_rate_limited(limit: Limit) -> None:
    """Count one request that was refused because there were too many."""
    _rate_limited.labels(limit).inc()


def count_stripe_event(outcome: str) -> None:
    """Count one Stripe event by its outcome."""
    _stripe_events.labels(outcome).inc()


def count_stripe_drift(kind: str, things: int) -> None:
    """Count missed Stripe changes that were found and applied."""
    _stripe_drift.labels(kind).inc(things)


def count_bakong_call(call: BakongCall, outcome: BakongOutcome) -> None:
    """Count one call of Bakong's API by how it ended."""
    _bakong_calls.labels(call, outcome).inc()


def count_khqr_codes(outcome: CodeOutcome, codes: int = 1) -> None:
    """Count codes that the bank was asked about, by what became of them."""
    _khqr_codes.labels(outcome).inc(codes)


def set_khqr_waiting(seconds: float) -> None:
    """Set for how long the bank has not answered about the code that waits longest."""
    _khqr_waiting_seconds.set(seconds)


def set_unmatched_payments(payments: int) -> None:
    """Set the number of payments that the site has to give or return."""
    _unmatched_payments.set(payments)


def set_credits_outstanding(credits_: int) -> None:
    """Set the number of credits that all readers together can still spend."""
    _credits_outstanding.set(credits_)


def record_success(task: BackgroundTask) -> None:
    """Record that a background task has just done its work."""
    _task_success.labels(task).set(time())


def expect_success(task: BackgroundTask) -> None:
    """Show a task that has not succeeded since the start."""
    _task_success.labels(task)


def set_last_stripe_event(at: datetime) -> None:
    """Set when an event of Stripe's was last handled."""
    _stripe_last_event.set(at.timestamp())


def set_database_reachable(database: str, *, is_reachable: bool) -> None:
    """Set whether this process reached the database when it last tried."""
    _database_reachable.labels(database).set(is_reachable)


def observe_pool_wait(seconds: float) -> None:
    """Record how long a request waited for a connection of the pool."""
    _pool_wait_seconds.observe(seconds)


def initialize_worker_ends() -> None:
    """Start all counts at 0, so that the first increase is visible."""
    for end in WorkerEnd:
        worker_ends.labels(end)


def count_worker_end(end: WorkerEnd) -> None:
    """Count one worker that has to be replaced."""
    worker_ends.labels(end).inc()


# Cached, because looking up a label takes longer than counting.
@cache
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    return _request_seconds.labels(method, route, status)


@cache
def _decisions_with(reason: str) -> Counter:
    return _decisions.labels(reason)


@cache
def _unlocks_with(outcome: str) -> Counter:
    return _unlocks.labels(outcome)


class _ErrorCounter(logging.Handler):
    """Counts log records at WARNING and above."""

    def emit(self, record: logging.LogRecord) -> None:
        _errors.labels(record.name, record.levelname.lower()).inc()


# For `logging.config.dictConfig`, in every serving process.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLines}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stderr",
        },
        "counter": {"()": _ErrorCounter, "level": "WARNING"},
    },
    "root": {"level": "INFO", "handlers": ["stderr", "counter"]},
    "loggers": {
        "alembic": {"level": "WARNING"},
        # These log each URL that they request.
        "httpx": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}


def log_uncaught_errors() -> None:
    """Log warnings and whatever ends a process or a thread, which would be printed as text."""
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda _kind, error, _traceback: _log_uncaught(error)
    threading.excepthook = lambda ended: _log_uncaught(ended.exc_value)
    sys.unraisablehook = lambda ignored: _log_uncaught(ignored.exc_value)


def _log_uncaught(error: BaseException | None) -> None:
    logger.critical("uncaught error", exc_info=error)


def start_logging(level: str) -> None:
    """Write every line as JSON from now on, also those of warnings and uncaught errors."""
    logging.config.dictConfig(logging_at(level))
    log_uncaught_errors()


def logging_at(level: str) -> dict[str, Any]:
    """LOGGING with this minimum level; warnings are counted whether they are written or not."""
    stderr = {**LOGGING["handlers"]["stderr"], "level": level.upper()}
    # Only this service's own lines are safe at "debug": libraries would log what they send.
    own = {"level": "DEBUG" if level == "debug" else "INFO"}
    return {
        **LOGGING,
        "handlers": {**LOGGING["handlers"], "stderr": stderr},
        "loggers": {**LOGGING["loggers"], "paywall": own},
    }
