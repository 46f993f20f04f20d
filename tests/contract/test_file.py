"""The committed contract is the running service's, and all of it has a place on its page."""

import httpx
import msgspec
import yaml

from paywall.web.docs_tasks import TASKS
from paywall.web.page import tasks_of
from tests.contract import recording
from tests.contract.file import TODAY, as_yaml, todays


def test_the_recorded_examples_are_todays() -> None:
    stale = "paywall/contract/examples.json is not today's: make openapi."
    assert recording.recorded() == recording.FILE.read_bytes(), stale


def test_the_committed_contract_is_todays() -> None:
    committed = TODAY.read_text(encoding="utf-8")
    assert committed == as_yaml(todays()), "openapi/paywall.yaml is not today's: make openapi."


async def test_the_service_gives_out_the_committed_contract(service: httpx.AsyncClient) -> None:
    answer = await service.get("/openapi.json")
    assert answer.json() == yaml.safe_load(TODAY.read_text(encoding="utf-8"))
    assert msgspec.json.decode(answer.content)["openapi"] == "3.1.0"


def test_every_operation_is_of_one_task() -> None:
    """One of none stands at the end of the page."""
    contract = todays()
    ids = [o["operationId"] for methods in contract["paths"].values() for o in methods.values()]
    known = [id_ for task in TASKS for id_ in task.operations]
    assert sorted(known) == sorted(ids), "Give it a place in paywall/web/docs_tasks.py."
    assert [task.title for task in tasks_of(contract)] == [task.title for task in TASKS]
    contract["paths"]["/v1/new"] = {"get": {"operationId": "get_new_thing"}}
    assert tasks_of(contract)[-1].operations == {"get_new_thing": "get new thing"}
