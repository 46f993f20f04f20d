"""Checks are asked over real connections here, since the short way begins with their bytes."""

from collections.abc import AsyncIterator

import httpx
import pytest

from paywall.http.edge import Edge
from paywall.server import connection
from tests.conftest import PATIENT_SECONDS
from tests.contract.promise import PROMISE
from tests.server.wire import Wire, wired


@pytest.fixture
async def port(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Wire, int]]:
    # The client sends a body behind its head, and both sides share this loop: it may stand still.
    monkeypatch.setattr(connection, "CHECK_COMPLETE_WITHIN_SECONDS", PATIENT_SECONDS)
    async with wired(edge) as it:
        yield it


@pytest.fixture
async def service(port: tuple[Wire, int]) -> AsyncIterator[httpx.AsyncClient]:
    """The running service; each answer keeps the contract."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port[1]}",
        event_hooks={"response": [PROMISE.see]},
        limits=httpx.Limits(max_connections=None),
        timeout=60,
    ) as client:
        yield client
