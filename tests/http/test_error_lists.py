"""However much of a body is wrong, the problem document stays small and the work linear."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from paywall.http.bodies import BODY_BYTES_MAX, decode
from paywall.payments.purchase_models import PurchaseInput
from paywall.problem_types import (
    DETAIL_CHARS_MAX,
    ERROR_DETAIL_CHARS_MAX,
    ERRORS_MAX,
    FIELD_CHARS_MAX,
    FieldError,
)
from paywall.problems import (
    INVALID_FIELDS,
    Problem,
)
from tests.conftest import Bearer
from tests.cost import assert_linear
from tests.http.conftest import Refused

JSON = {"Content-Type": "application/json"}
ANSWER_BYTES_MAX = 16 * 1024
LONG = "a" * 500_000


def unknown_keys(body_bytes: int) -> bytes:
    """A JSON object of about this size with as many unknown keys as fit."""
    return json.dumps({f"k{number:06}": 1 for number in range(body_bytes // 14)}).encode()


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """No body of these reaches a database."""
    kind: str = request.param
    return kind


WIDE: dict[str, Any] = {
    "a long unknown name": {LONG: 1},
    "a long unknown name in a nested object": {"prices": [{LONG: 1}]},
    "a long value of an enumeration": {"interval": LONG},
    "a long name that quotes a path": {"prices": [{f"{LONG} - at `$.title": 1}]},
}


@pytest.mark.parametrize("body", WIDE.values(), ids=WIDE)
async def test_a_long_name_or_value_is_shortened_in_the_answer(
    body: Any, service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    answer = await service.put("/v1/plans/monthly", json=body, headers=bearer.site())
    await refused(answer, 422, "invalid_fields")
    assert len(answer.content) < 2 * 1024
    assert "a" * FIELD_CHARS_MAX not in answer.text
    assert "…" in answer.text


@pytest.mark.parametrize(("wrong", "named"), [(ERRORS_MAX, 20), (ERRORS_MAX + 1, 20)])
async def test_twenty_errors_are_named_and_the_others_counted(
    wrong: int, named: int, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    body = {f"field_{number}": 1 for number in range(wrong - 1)}
    answer = await service.post("/v1/access/check", json=body, headers=bearer.site())
    problem = answer.json()
    fields = [error["field"] for error in problem["errors"]]
    assert fields == ["article_id", *(f"field_{number}" for number in range(named - 1))]
    is_cut = wrong > named
    assert problem["detail"].startswith(f"{wrong} fields are invalid, 1 of them") is is_cut


async def test_a_body_of_unknown_keys_alone_is_answered_with_a_small_problem(
    service: httpx.AsyncClient, bearer: Bearer, refused: Refused
) -> None:
    content = unknown_keys(BODY_BYTES_MAX)
    for method, path in (("POST", "/v1/access/check"), ("PUT", "/v1/articles/1")):
        caller = JSON | bearer.site()
        answer = await service.request(method, path, content=content, headers=caller)
        await refused(answer, 422, "invalid_fields")
        problem = answer.json()
        assert len(problem["errors"]) == ERRORS_MAX
        assert len(problem["detail"]) <= DETAIL_CHARS_MAX
        assert len(answer.content) < ANSWER_BYTES_MAX


def test_no_problem_is_longer_than_its_limits() -> None:
    for name, detail in ((LONG, LONG), ("🌊" * 65, "🌊" * 501)):
        wrong = problem_with(name, detail)
        assert len(wrong.detail) == DETAIL_CHARS_MAX
        assert len(wrong.errors) == ERRORS_MAX
        assert {len(error.field) for error in wrong.errors} == {FIELD_CHARS_MAX}
        assert {len(error.detail) for error in wrong.errors} == {ERROR_DETAIL_CHARS_MAX}
    exact = problem_with("n" * FIELD_CHARS_MAX, "d" * ERROR_DETAIL_CHARS_MAX)
    assert "…" not in exact.errors[0].field + exact.errors[0].detail


def problem_with(name: str, detail: str) -> Problem:
    errors = tuple([FieldError(name, detail)] * (ERRORS_MAX + 1))
    return Problem(INVALID_FIELDS, "d" * (DETAIL_CHARS_MAX + 1), errors=errors)


def test_to_find_a_key_that_is_there_twice_takes_linear_time() -> None:
    """The key of a nested object, at its end: no body is known to have each key once there."""

    def decode_with(keys: int) -> Callable[[], object]:
        pairs = b",".join(b'"k%06d":1' % number for number in range(keys))
        body = b'{"keys":{%b,"k%06d":1}}' % (pairs, keys - 1)
        return lambda: refusal_of(body, dict[str, dict[str, int]])

    assert_linear(decode_with, [4_000, 8_000, 16_000, 32_000])


def test_to_refuse_a_body_of_unknown_keys_takes_linear_time() -> None:
    def decode_with(size: int) -> Callable[[], object]:
        body = unknown_keys(size)
        return lambda: refusal_of(body, PurchaseInput)

    assert_linear(decode_with, [BODY_BYTES_MAX // 8, BODY_BYTES_MAX // 4, BODY_BYTES_MAX // 2])


def refusal_of(body: bytes, model: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        decode(body, "application/json", model)
    return caught.value
