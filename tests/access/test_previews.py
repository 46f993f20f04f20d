"""A batch of checks can give the previews of the denied articles, and never a body."""

import httpx
import pytest

from paywall.access import bodies
from tests.conftest import Bearer
from tests.test_story import put_article

Service = httpx.AsyncClient
BODY = "<p>Open to all.</p><p>The tail that is paid for.</p><p>The tail that is paid for.</p>"
OPEN = {"body_html": BODY, "preview": {"paragraphs": 1}}


async def previews(
    service: Service, bearer: Bearer, *article_ids: str, **asked: object
) -> list[str | None]:
    answer = await service.post(
        "/v1/access/check-batch",
        json={"article_ids": article_ids, "previews": True, **asked},
        headers=bearer.site("access:check"),
    )
    assert answer.status_code == 200, answer.text
    assert "tail" not in answer.text
    return [decision["preview_html"] for decision in answer.json()["decisions"]]


async def test_a_batch_gives_the_preview_of_each_denied_article(
    service: Service, bearer: Bearer
) -> None:
    await put_article(service, bearer, "paid", **OPEN)
    await put_article(service, bearer, "teaser", body_html=BODY, preview={"html": "<b>Buy</b>"})
    await put_article(service, bearer, "free", policy="free", **OPEN)
    asked = ("teaser", "free", "nope", "paid", "teaser")
    expected = ["<b>Buy</b>", None, "", "<p>Open to all.</p>", "<b>Buy</b>"]
    assert await previews(service, bearer, *asked) == expected
    assert await previews(service, bearer, *asked, previews=False) == [None] * len(asked)


async def test_asking_for_previews_counts_no_metered_view(service: Service, bearer: Bearer) -> None:
    await put_article(service, bearer, "meter", policy="metered", **OPEN)
    for _ in range(2):
        asked = {"article_ids": ["meter"], "visitor_id": "v", "previews": True}
        answer = await service.post("/v1/access/check-batch", json=asked, headers=bearer.site())
        (decision,) = answer.json()["decisions"]
        assert (decision["reason"], decision["meter"]["used"]) == ("metered", 0)
        assert decision["preview_html"] is None


async def test_previews_beyond_the_limit_of_an_answer_are_left_out(
    service: Service, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PREVIEWS_CHARS_MAX", 10)
    for article_id, length in (("a", 6), ("b", 6), ("c", 4), ("long", 11)):
        await put_article(service, bearer, article_id, preview={"html": "x" * length})
    assert await previews(service, bearer, "a", "b", "c") == ["x" * 6, None, "x" * 4]
    assert await previews(service, bearer, "c", "c", "b") == ["x" * 4, "x" * 4, "x" * 6]
    # Alone, it is given however long it is.
    assert await previews(service, bearer, "long", "c") == ["x" * 11, None]
