"""The committed contract is the running service's."""

import httpx
import msgspec
import yaml

from tests.contract.file import TODAY, as_yaml, todays


def test_the_committed_contract_is_todays() -> None:
    committed = TODAY.read_text(encoding="utf-8")
    assert committed == as_yaml(todays()), "openapi/paywall.yaml is not today's: make openapi."


async def test_the_service_gives_out_the_committed_contract(service: httpx.AsyncClient) -> None:
    answer = await service.get("/openapi.json")
    assert answer.json() == yaml.safe_load(TODAY.read_text(encoding="utf-8"))
    assert msgspec.json.decode(answer.content)["openapi"] == "3.1.0"
