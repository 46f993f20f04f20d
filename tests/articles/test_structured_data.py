"""What search engines are given, with the site's own selector of the paid part."""

import httpx
import msgspec
import pytest

from paywall.settings import Settings
from tests.articles.test_api import get, put
from tests.conftest import Bearer


async def selector_of(service: httpx.AsyncClient, bearer: Bearer) -> object:
    await put(service, bearer, body_html="<p>One.</p>")
    answer = await get(service, bearer, "/v1/articles/42/structured-data")
    return answer.json()["hasPart"]["cssSelector"]


async def test_structured_data_name_the_class_that_gates_have(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    assert await selector_of(service, bearer) == ".paywall-content"


class TestWithASelectorOfTheSite:
    """A theme whose articles have a class of their own."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, css_selector=".post > .entry-content")

    async def test_structured_data_name_the_selector_of_the_setting(
        self, service: httpx.AsyncClient, bearer: Bearer
    ) -> None:
        assert await selector_of(service, bearer) == ".post > .entry-content"
