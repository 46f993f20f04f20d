"""Whatever is sent, an operation answers as its contract says (Schemathesis, a fixed seed)."""

from typing import Any

import anyio
import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from paywall.settings import Settings
from paywall.tokens.guard import PROXY_HEADER
from tests.conftest import IS_LONG, Bearer
from tests.contract.file import todays
from tests.test_story import grant, put_article

SEED = 20261124
# Shapes and statuses are the same code's on both; PostgreSQL takes some texts and numbers less.
EXAMPLES = {"sqlite": 100, "postgresql": 40} if IS_LONG else {"sqlite": 30, "postgresql": 15}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(todays())
OPERATIONS = {
    found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With time enough: a 503 of a busy machine is no finding."""
    return msgspec.structs.replace(settings, request_timeout_seconds=60)


@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
async def test_an_operation_keeps_its_contract(
    label: str, database_kind: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await put_article(service, bearer, "0", policy="metered")
    await grant(service, bearer, "0", 3)
    operation = OPERATIONS[label]
    site = bearer.site()
    headers = {
        "site": site,
        "proxy": {PROXY_HEADER: site["Authorization"].removeprefix("Bearer ")},
        "reader": bearer.reader("0"),
    }
    security = operation.definition.raw["security"]
    caller = headers[next(iter(security[0]))] if security else {}

    @seed(SEED)
    @hypothesis_settings(
        max_examples=EXAMPLES[database_kind],
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(GenerationMode.POSITIVE)
        | operation.as_strategy(GenerationMode.NEGATIVE)
    )
    def keeps(case: Case[Any]) -> None:
        sent = case.as_transport_kwargs(base_url="http://paywall.test", headers=caller)
        answer = anyio.from_thread.run(_ask, service, sent)
        case.validate_response(answer, checks=CHECKS)

    await anyio.to_thread.run_sync(keeps)


async def _ask(service: httpx.AsyncClient, sent: dict[str, Any]) -> httpx.Response:
    """Send what was meant for the library `requests`."""
    body = sent.get("data")
    return await service.request(
        sent["method"],
        sent["url"],
        headers={name: str(value) for name, value in sent["headers"].items()},
        params=sent.get("params"),
        cookies=None,
        json=sent.get("json"),
        content=body if isinstance(body, bytes | str) else None,
    )
