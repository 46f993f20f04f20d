"""Structured logs and Prometheus metrics, without tokens, bodies or reading history."""

import json
import logging
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

LOGGED_ONLY_ON_FAILURE = frozenset({"/v1/access/check"})
# PostgreSQL's class of data errors, whose first line quotes the value (Appendix A).
DATA_ERROR_CLASS = "22"

logger = logging.getLogger("paywall")
request_id_now: ContextVar[str | None] = ContextVar("request_id_now", default=None)

_request_seconds = Histogram(
    "paywall_request_seconds",
    "Duration of answered requests.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_decisions = Counter("paywall_decisions", "Decisions, by reason.", ["reason"])
_unlocks = Counter("paywall_unlocks", "Unlock requests, by outcome.", ["outcome"])
_stripe_events = Counter("paywall_stripe_events", "Stripe events, by outcome.", ["outcome"])
_stripe_drift = Counter(
    "paywall_stripe_drift", "Missed changes that reconcile found and applied, by kind.", ["kind"]
)
_errors = Counter("paywall_errors", "Warnings and errors in the log.", ["logger", "level"])
worker_ends = Counter("paywall_worker_ends", "Workers that had to be replaced.", ["how"])
_credits_outstanding = Gauge(
    "paywall_credits_outstanding",
    "Credits that readers can still spend.",
    multiprocess_mode="mostrecent",
)
_connections_in_use = Gauge(
    "paywall_database_connections_in_use",
    "Database connections in use.",
    multiprocess_mode="livesum",
)


class WorkerEnd(StrEnum):
    """How a worker ended unexpectedly."""

    DIED = "died"
    HUNG = "hung"
    NEVER_CAME_UP = "never_came_up"


def record_request(
    *, method: str, route: str, status: int, seconds: float, request_id: str
) -> None:
    """Record a request under its route template, never under its path."""
    _seconds_of(method, route, status).observe(seconds)
    if route in LOGGED_ONLY_ON_FAILURE and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    fields = {
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    logger.info("request", extra={"fields": fields})


def count_decision(reason: str) -> None:
    """Count one decision by its reason."""
    _decisions_with(reason).inc()


def count_unlock(outcome: str) -> None:
    """Count one unlock request by its outcome."""
    _unlocks_with(outcome).inc()


def count_stripe_event(outcome: str) -> None:
    """Count one Stripe event by its outcome."""
    _stripe_events.labels(outcome).inc()


def count_stripe_drift(kind: str, things: int) -> None:
    """Count missed Stripe changes that were found and applied."""
    _stripe_drift.labels(kind).inc(things)


def set_credits_outstanding(credits_: int) -> None:
    """Set the number of credits that all readers together can still spend."""
    _credits_outstanding.set(credits_)


def set_connections_in_use(connections: int) -> None:
    """Set the number of database connections in use by this process."""
    _connections_in_use.set(connections)


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


class JsonLines(logging.Formatter):
    """Formats each record as one line of JSON, so that a line break cannot forge an entry."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := request_id_now.get():
            entry["request_id"] = request_id
        entry |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = list(exception_lines(record.exc_info[1]))
        return json.dumps(entry, ensure_ascii=False)


def exception_lines(error: BaseException) -> Iterator[str]:
    """What may be logged of an exception: the stack, and its message without values.

    Database errors quote rows after their first line ("Key (reader_id, article_id)=(…)").
    """
    if (earlier := error.__cause__ or error.__context__) is not None:
        yield from exception_lines(earlier)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from exception_lines(inner)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_message(error)}"


def _message(error: BaseException) -> str:
    database_error = getattr(error, "orig", None) or error
    sqlstate = getattr(database_error, "sqlstate", None)
    if sqlstate and sqlstate.startswith(DATA_ERROR_CLASS):
        return f"SQLSTATE {sqlstate}"
    return str(database_error).partition("\n")[0]


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
