"""The page of the contract: complete, without a script, and its examples can be pasted."""

import re
import shlex
from html import unescape
from html.parser import HTMLParser

import httpx
import msgspec
import pytest

from paywall import problems
from paywall.settings import Settings
from tests.conftest import Bearer
from tests.contract.file import todays

ORIGIN = "https://news.example"
CURL = re.compile(r"<pre><code>(curl .*?)</code></pre>", re.DOTALL)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The examples come back to a page of the site."""
    return msgspec.structs.replace(settings, allowed_origins=[ORIGIN])


class Read(HTMLParser):
    """What a page has: its tags, ids, links inside it, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.anchors: set[str] = set()
        self.loads: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= values.keys()
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a" and values["href"].startswith("#"):
            self.anchors.add(values["href"][1:])
        if tag == "link" or "src" in values:
            self.loads.add(values.get("src") or values["href"])


async def test_the_page_has_no_script_and_loads_its_own_style_alone(
    service: httpx.AsyncClient,
) -> None:
    answer = await service.get("/docs")
    page = Read(answer.text)
    assert page.loads == {"/docs.css"}
    assert not page.tags & {"script", "style", "iframe", "img", "form"}
    assert not {name for name in page.attributes if name.startswith("on")} | (
        page.attributes & {"style"}
    )
    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; style-src 'self'; img-src 'self'"
    )
    style = await service.get("/docs.css")
    assert style.headers["content-type"].startswith("text/css")
    assert not re.search(r"url\(|@import", style.text)


async def test_every_link_of_the_page_leads_somewhere(service: httpx.AsyncClient) -> None:
    page = Read((await service.get("/docs")).text)
    assert len(page.ids) == len(set(page.ids))
    assert page.anchors <= set(page.ids)
    operations = [o for methods in todays()["paths"].values() for o in methods.values()]
    assert {operation["operationId"] for operation in operations} <= page.anchors


async def test_the_type_of_a_problem_leads_to_its_place_on_the_page(
    service: httpx.AsyncClient,
) -> None:
    page = Read((await service.get("/docs")).text)
    for kind in problems.ALL:
        answer = await service.get(f"/problems/{kind.code}")
        assert answer.status_code == 303
        path, _, place = answer.headers["location"].partition("#")
        assert (path, place in page.ids) == ("/docs", True)


async def test_every_curl_line_can_be_pasted(service: httpx.AsyncClient, bearer: Bearer) -> None:
    """None is refused for its form: each has its token, its body and its path."""
    tokens = {"$SITE_TOKEN": bearer.site(), "$READER_TOKEN": bearer.reader("sophea")}
    lines = [unescape(line) for line in CURL.findall((await service.get("/docs")).text)]
    assert len(lines) == sum(map(len, todays()["paths"].values()))
    for line in lines:
        words = shlex.split(re.sub(r"\$\(cat [\w/]+\)", "a-uuid", line).replace("\\\n", ""))
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        url = next(word for word in words if word.startswith("$PAYWALL")).removeprefix("$PAYWALL")
        headers = dict(
            word.split(": ", 1) for word in words if re.match(r"(Content|Idempotency)-\w+: ", word)
        )
        for name, authorization in tokens.items():
            if any(name in word for word in words):
                headers |= authorization
        body = words[words.index("-d") + 1] if "-d" in words else None
        answer = await service.request(method, url, headers=headers, content=body)
        assert answer.is_success or answer.status_code in (404, 409), (line, answer.text)
