"""The newspaper's pages where the service does not answer, and for addresses that it lacks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from paywall.sandbox.article_files import read_files
from paywall.sandbox.site.app import newspaper
from paywall.sandbox.site.paywall_client import PaywallClient
from paywall.sandbox.site.stories import PICTURES, SECTIONS
from paywall.sandbox.site.time_machine import TimeMachine

# No server listens on the port for discarded traffic.
NO_SERVICE = "http://127.0.0.1:9"
PICTURE_BYTES_MAX = 8192


async def no_token() -> str:
    return ""


async def broken_mint() -> str:
    raise LookupError("a fault of the newspaper's own")


@asynccontextmanager
async def reading(mint: Callable[[], Awaitable[str]]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a newspaper whose service is down."""
    publisher = PaywallClient(NO_SERVICE, mint)
    app = newspaper(publisher, TimeMachine(publisher, ""))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # httpx has looser types of its own
    async with httpx.AsyncClient(transport=transport, base_url="http://paper.example") as client:
        yield client


@pytest.fixture
async def visitor() -> AsyncIterator[httpx.AsyncClient]:
    async with reading(no_token) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/rice-bank", "/archive", "/section/river", "/offers"])
async def test_without_the_service_there_is_one_sentence_and_a_text(
    path: str, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.get(path)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (503, "text/html")
    assert answer.text.count("Articles cannot be opened at the moment.") == 1
    assert "a small hand-painted fish above it" in answer.text
    assert f'href="{path}">Try again' in answer.text
    assert "<paywall-" not in answer.text.partition("<main")[2].partition("<article")[2]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no/where", 404),
        ("GET", "/section/nowhere", 404),
        ("GET", "/pictures/nothing.svg", 404),
        ("GET", "/time", 405),
        ("GET", "/paywall-token", 405),
        ("POST", "/offers", 405),
        ("GET", "/paid?since=yesterday", 400),
    ],
)
async def test_people_get_pages_for_addresses_that_do_not_exist(
    method: str, path: str, status: int, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.request(method, path)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
    assert "The front page has all of today&#39;s articles." in answer.text
    assert "a small hand-painted fish above it" in answer.text


async def test_a_fault_of_the_newspapers_own_is_a_page_too() -> None:
    async with reading(broken_mint) as client:
        answer = await client.get("/", headers={"Accept-Language": "km"})
    assert (answer.status_code, answer.headers["content-type"][:9]) == (500, "text/html")
    assert "មានបញ្ហាអ្វីមួយកើតឡើង" in answer.text
    assert "បង្គោលវាស់ទឹកនៅកំពង់ផែ" in answer.text
    assert "LookupError" not in answer.text


async def test_every_article_has_a_section_and_a_small_picture(visitor: httpx.AsyncClient) -> None:
    files = read_files()
    assert {file.metadata.section for file in files} == set(SECTIONS)
    assert {f"{file.metadata.picture}.svg" for file in files} == PICTURES.keys()
    for name, content in PICTURES.items():
        answer = await visitor.get(f"/pictures/{name}")
        assert (answer.status_code, answer.text) == (200, content)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert len(answer.content) <= PICTURE_BYTES_MAX, name
