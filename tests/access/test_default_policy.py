"""With a default policy, an unknown article can be checked and unlocked."""

from pathlib import Path

import httpx
import pytest

from paywall.rules.decision import Policy
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer
from tests.test_story import check, grant, unlock


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=str(tmp_path),
        request_timeout_seconds=PATIENT_SECONDS,
        default_policy=Policy.PREMIUM,
    )


async def test_an_unknown_article_costs_one_credit_and_has_no_body(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    denied = await check(service, bearer, "new", reader_id="ann")
    assert (denied["reason"], denied["unlock_cost"]) == ("credits_required", 1)
    await grant(service, bearer, "ann", 2)
    done = await unlock(service, bearer, "ann", "new", max_cost=1)
    assert (done.status_code, done.json()["unlocks_left"]) == (201, 1)
    assert done.json()["unlock"]["title"] is None
    body = await service.get("/v1/me/articles/new/body", headers=bearer.reader("ann"))
    assert (body.json()["decision"]["granted"], body.json()["body_html"]) == (True, None)
