"""Log lines as JSON, without tokens, bodies, reading history or values of rows."""

import json
import logging
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple

# PostgreSQL's class of data errors, whose first line quotes the value (Appendix A).
DATA_ERROR_CLASS = "22"


class RequestIds(NamedTuple):
    """What every line of a request has: its own id, and that of the trace it belongs to."""

    request_id: str
    trace_id: str | None = None

    def fields(self) -> dict[str, str]:
        ids = {"request_id": self.request_id}
        return ids if self.trace_id is None else {**ids, "trace_id": self.trace_id}


request_now: ContextVar[RequestIds | None] = ContextVar("request_now", default=None)


class JsonLines(logging.Formatter):
    """Formats each record as one line of JSON, so that a line break cannot forge an entry."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := request_now.get()) is not None:
            entry |= request.fields()
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
