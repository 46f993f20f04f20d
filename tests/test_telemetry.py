"""Logs and metrics tell how the service does, and never who reads what."""

import json
import logging

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from paywall.database.engine import Database
from paywall.json_log import JsonLines
from paywall.rules.trace_context import trace_id_of
from tests.conftest import Bearer

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the service logged; the client of the test logs as well."""
    return [JsonLines().format(line) for line in caplog.records if line.name == "paywall"]


async def _check(
    service: httpx.AsyncClient, bearer: Bearer, reader_id: str, article_id: str
) -> httpx.Response:
    return await service.post(
        "/v1/access/check",
        json={"article_id": article_id, "reader_id": reader_id},
        headers=bearer.site("access:check"),
    )


async def test_requests_are_counted_by_route_template(service: httpx.AsyncClient) -> None:
    labels = {"method": "GET", "route": "/v1/articles/{article_id}", "status": "401"}
    before = _count("paywall_request_seconds_count", **labels)
    await service.get("/v1/articles/a-secret-article")
    assert _count("paywall_request_seconds_count", **labels) == before + 1
    assert "a-secret-article" not in str(list(REGISTRY.collect()))


async def test_a_decision_is_counted_by_its_reason(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    before = _count("paywall_decisions_total", reason="article_unknown")
    await _check(service, bearer, "ann", "a1")
    assert _count("paywall_decisions_total", reason="article_unknown") == before + 1


async def test_a_request_is_logged_without_its_path(
    service: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="paywall"):
        answer = await service.get(
            "/v1/articles/a-secret-article?token=t", headers={"traceparent": TRACEPARENT}
        )
    (line,) = _lines(caplog)
    received = json.loads(line)
    assert received["trace_id"] == TRACE_ID
    assert received["request_id"] == answer.headers["x-request-id"]
    assert (received["method"], received["route"], received["status"]) == (
        "GET",
        "/v1/articles/{article_id}",
        401,
    )
    assert "a-secret-article" not in line


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (TRACEPARENT, TRACE_ID),
        (f"cc{TRACEPARENT[2:]}-a-later-field", TRACE_ID),
        (f"{TRACEPARENT}-a-later-field", None),
        (f"ff{TRACEPARENT[2:]}", None),
        (TRACEPARENT.upper(), None),
        (TRACEPARENT.replace(TRACE_ID, "0" * 32), None),
        (TRACEPARENT.replace("b7ad6b7169203331", "0" * 16), None),
        (f"{TRACEPARENT}\n", None),
        ("", None),
    ],
)
def test_only_a_valid_traceparent_is_taken(header: str, trace_id: str | None) -> None:
    assert trace_id_of(header.encode()) == trace_id


async def test_a_successful_check_is_not_logged(
    service: httpx.AsyncClient, bearer: Bearer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="paywall"):
        assert (await _check(service, bearer, "ann", "a1")).status_code == 200
    assert _lines(caplog) == []


async def test_a_failed_check_is_logged_without_ids(
    service: httpx.AsyncClient,
    bearer: Bearer,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with database.writing() as session:
        await (await session.connection()).execute(sa.text("drop table credit_grant"))
    with caplog.at_level(logging.INFO, logger="paywall"):
        answer = await _check(service, bearer, "a-secret-reader", "a-secret-article")
    assert answer.status_code == 500
    lines = "\n".join(_lines(caplog))
    assert answer.headers["x-request-id"] in lines
    assert "credit_grant" in lines
    assert "a-secret" not in lines


INSERT = (
    "insert into unlock (reader_id, article_id, source, unlocked_at)"
    " values (:reader, 'a-secret-article', 'credits', '2026-11-24 12:00:00+00')"
)


async def test_a_database_error_is_logged_without_its_row(
    database: Database,
) -> None:
    with pytest.raises(sa.exc.IntegrityError) as raised:
        async with database.writing() as session:
            connection = await session.connection()
            for _ in range(2):
                await connection.execute(sa.text(INSERT), {"reader": "a-secret-reader"})
    record = logging.LogRecord(
        "paywall", logging.ERROR, "", 0, "internal error", None, (raised.type, raised.value, None)
    )
    line = JsonLines().format(record)
    assert "IntegrityError" in line
    assert "a-secret" not in line


async def test_database_errors_contain_no_parameters(database: Database) -> None:
    """It may be shown by others than the log: by a command that fails."""
    with pytest.raises(sa.exc.DBAPIError) as raised:
        async with database.reading() as session:
            statement = sa.text("select * from nowhere where reader_id = :reader")
            await (await session.connection()).execute(statement, {"reader": "a-secret-reader"})
    assert "a-secret" not in str(raised.value)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_invalid_values_are_not_logged(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised:
        async with database.reading() as session:
            connection = await session.connection()
            await connection.execute(sa.text("select cast('a-secret-reader' as integer)"))
    record = logging.LogRecord(
        "paywall", logging.ERROR, "", 0, "internal error", None, (raised.type, raised.value, None)
    )
    assert "a-secret" not in JsonLines().format(record)


def test_a_line_break_cannot_forge_a_line() -> None:
    record = logging.LogRecord("paywall", logging.INFO, "", 0, "one\ntwo", None, None)
    assert len(JsonLines().format(record).splitlines()) == 1
