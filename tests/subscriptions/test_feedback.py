"""Why readers cancel: an optional answer with the receipt, and figures that name no reader."""

import httpx
import pytest

from paywall.subscriptions.feedback import COMMENT_CHARS_MAX
from tests.conftest import Bearer, SetClock

Answer = httpx.Response


async def cancelled(service: httpx.AsyncClient, bearer: Bearer, reader_id: str) -> str:
    """The receipt of a complimentary subscription that this reader cancels."""
    end = {"current_period_end": "2027-12-24T12:00:00Z"}
    address = f"/v1/subscribers/{reader_id}/subscription"
    put = await service.put(address, json=end, headers=bearer.site())
    done = await service.post(
        "/v1/me/subscription/cancel",
        json={"subscription_id": put.json()["id"], "when": "period_end"},
        headers=bearer.reader(reader_id),
    )
    return str(done.json()["receipt"]["id"])


async def answer_why(
    service: httpx.AsyncClient, bearer: Bearer, reader_id: str, receipt_id: str, **fields: object
) -> Answer:
    body = {"receipt_id": receipt_id, "reason": "other", **fields}
    headers = bearer.reader(reader_id)
    return await service.post("/v1/me/cancellation-feedback", json=body, headers=headers)


async def figures(service: httpx.AsyncClient, bearer: Bearer, query: str = "") -> Answer:
    address = f"/v1/cancellation-feedback/figures{query}"
    return await service.get(address, headers=bearer.site("subscribers:read"))


async def test_a_second_answer_replaces_the_first_and_is_counted_once(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    ann, bo = [await cancelled(service, bearer, reader) for reader in ("ann", "bo")]
    first = await answer_why(service, bearer, "ann", ann, comment="Too much sport.")
    assert first.status_code == 200, first.text
    clock.move(hours=1)
    second = await answer_why(service, bearer, "ann", ann, reason="too_expensive", comment="  \n")
    assert second.json() == {
        "receipt_id": ann, "reason": "too_expensive", "comment": None,
        "at": "2026-11-24T13:00:00Z",
    }  # fmt: skip
    await answer_why(service, bearer, "bo", bo, reason="missing_content", comment="No chess.")
    counted = (await figures(service, bearer)).json()
    assert (counted["cancellations"], counted["answered"]) == (2, 2)
    assert counted["reasons"] == {
        "too_expensive": 1, "not_reading_enough": 0, "missing_content": 1,
        "technical_problems": 0, "other": 0,
    }  # fmt: skip
    listed = await service.get("/v1/cancellation-feedback", headers=bearer.site("subscribers:read"))
    assert listed.json()["items"] == [
        {"at": "2026-11-24T13:00:00Z", "reason": "missing_content", "comment": "No chess."}
    ]


async def test_a_resumed_subscription_is_no_cancellation_in_the_figures(
    service: httpx.AsyncClient, bearer: Bearer, clock: SetClock
) -> None:
    await cancelled(service, bearer, "ann")
    clock.move(days=1)
    receipt_id = await cancelled(service, bearer, "bo")
    await answer_why(service, bearer, "bo", receipt_id)
    day = "?since=2026-11-24T12:00:00Z&until=2026-11-25T12:00:00Z"
    assert (await figures(service, bearer, day)).json()["cancellations"] == 1
    both = (await figures(service, bearer, "?until=2026-11-25T12:00:01Z")).json()
    assert (both["cancellations"], both["answered"]) == (2, 1)
    me = (await service.get("/v1/me", headers=bearer.reader("bo"))).json()
    resume = {"subscription_id": me["subscription"]["id"]}
    headers = bearer.reader("bo")
    await service.post("/v1/me/subscription/resume", json=resume, headers=headers)
    left = (await figures(service, bearer, "?until=2026-11-25T12:00:01Z")).json()
    assert (left["cancellations"], left["answered"]) == (1, 0)


@pytest.mark.parametrize(
    ("comment", "status"), [("x" * COMMENT_CHARS_MAX, 200), ("x" * (COMMENT_CHARS_MAX + 1), 422)]
)
async def test_a_comment_has_a_limit(
    service: httpx.AsyncClient, bearer: Bearer, comment: str, status: int
) -> None:
    receipt_id = await cancelled(service, bearer, "ann")
    answer = await answer_why(service, bearer, "ann", receipt_id, comment=comment)
    assert answer.status_code == status


async def test_nobody_answers_for_another_readers_cancellation(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    receipt_id = await cancelled(service, bearer, "ann")
    for receipt in (receipt_id, "receipt_0"):
        answer = await answer_why(service, bearer, "bo", receipt)
        assert answer.json()["type"] == "/problems/receipt_unknown"
    refused = await figures(
        service, bearer, "?since=2026-11-25T00:00:00Z&until=2026-11-24T00:00:00Z"
    )
    assert refused.json()["errors"][0]["field"] == "since"


async def test_the_answer_is_exported_moved_by_a_merge_and_erased(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    receipt_id = await cancelled(service, bearer, "ann")
    await answer_why(service, bearer, "ann", receipt_id, comment="I am moving abroad.")
    merged = await service.post(
        "/v1/subscribers/ann/merge", json={"into": "ann-2"}, headers=bearer.site()
    )
    assert merged.status_code == 200
    export = await service.get("/v1/me/export", headers=bearer.reader("ann-2"))
    (receipt,) = export.json()["receipts"]["receipts"]
    assert receipt["feedback_comment"] == "I am moving abroad."
    erased = await service.delete("/v1/subscribers/ann-2", headers=bearer.site())
    assert erased.status_code == 204
    assert (await figures(service, bearer)).json()["cancellations"] == 0
    listed = await service.get("/v1/cancellation-feedback", headers=bearer.site())
    assert listed.json()["items"] == []
