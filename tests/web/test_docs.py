"""The page of the contract: complete without its script, and its examples can be pasted."""

import re
import subprocess
from html import unescape
from html.parser import HTMLParser

import anyio
import httpx
import msgspec
import pytest

from paywall import problems
from paywall.settings import Settings
from paywall.tokens.guard import PROXY_HEADER
from tests.conftest import Bearer
from tests.contract.file import todays

ORIGIN = "https://news.example"
CURL = re.compile(r"<pre[^>]*><code>(curl .*?)</code></pre>", re.DOTALL)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The examples come back to a page of the site."""
    return msgspec.structs.replace(settings, allowed_origins=[ORIGIN])


class Read(HTMLParser):
    """What a page has: its tags, ids, headings, links inside it, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.ids: list[str] = []
        self.anchors: set[str] = set()
        self.loads: set[str] = set()
        self.headings: list[str | None] = []
        self.permalinks: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= values.keys()
        if "id" in values:
            self.ids.append(values["id"])
        if re.fullmatch("h[2-6]", tag):
            self.headings.append(values.get("id"))
        if values.get("class") == "permalink":
            self.permalinks.append(values["href"].removeprefix("#"))
        elif tag == "a" and values["href"].startswith("#"):
            self.anchors.add(values["href"][1:])
        if tag == "link" or "src" in values:
            self.loads.add(values.get("src") or values["href"])


async def test_the_page_loads_its_own_style_and_script_alone(service: httpx.AsyncClient) -> None:
    answer = await service.get("/docs")
    page = Read(answer.text)
    assert page.loads == {"/docs.css", "/docs.js"}
    assert not page.tags & {"style", "iframe", "img", "form"}
    assert re.findall(r"<script.*?</script>", answer.text, re.DOTALL) == [
        '<script type="module" src="/docs.js"></script>'
    ]
    assert not {name for name in page.attributes if name.startswith("on")} | (
        page.attributes & {"style"}
    )
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    style, script = await service.get("/docs.css"), await service.get("/docs.js")
    assert style.headers["content-type"].startswith("text/css")
    assert not re.search(r"url\(|@import", style.text)
    assert script.headers["content-type"].startswith("text/javascript")
    assert not re.search(r"innerHTML|eval|https?:|fetch", script.text)


async def test_the_files_of_the_page_are_sent_compressed(service: httpx.AsyncClient) -> None:
    for path in ("/docs", "/docs.css", "/docs.js", "/openapi.json"):
        zipped = await service.get(path, headers={"Accept-Encoding": "gzip"})
        plain = await service.get(path, headers={"Accept-Encoding": "identity"})
        assert zipped.headers["content-encoding"] == "gzip"
        assert int(zipped.headers["content-length"]) * 2 < len(plain.content)
        assert zipped.content == plain.content


async def test_every_heading_has_a_link_to_itself(service: httpx.AsyncClient) -> None:
    page = Read((await service.get("/docs")).text)
    assert page.headings == page.permalinks
    assert None not in page.headings


async def test_what_repeats_is_shown_once_or_folded(service: httpx.AsyncClient) -> None:
    text = (await service.get("/docs")).text
    for article in re.findall(r"<article>.*?</article>", text, re.DOTALL):
        bodies = re.findall(r"<details>.*?</details>", article, re.DOTALL)
        assert len({*bodies}) == len(bodies) <= 1
    unfolded = re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)
    assert "/problems/" not in unfolded
    blocks = re.findall(r"<pre", unfolded)
    assert len(blocks) == 1 + sum(map(len, todays()["paths"].values()))


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


def read_by_shell(lines: list[str]) -> list[list[str]]:
    """The words that each line gives to curl, as bash reads them; zsh quotes alike."""
    function = """curl() { printf '%s\\0' "$@"; printf '\\1\\0'; }"""
    script = "\n".join([function, "PAYWALL=P SITE_TOKEN=S READER_TOKEN=R", *lines])
    read = subprocess.run(
        ["bash", "-eu", "-c", script],  # noqa: S607 (the shell that a person has)
        check=True, stdout=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    received = read.stdout.decode().split("\x01\0")
    return [words.split("\0")[:-1] for words in received[:-1]]


async def test_every_curl_line_can_be_pasted(service: httpx.AsyncClient, bearer: Bearer) -> None:
    """None is refused for its form: each has its token, its body and its path."""
    tokens = {"Bearer S": bearer.site(), "Bearer R": bearer.reader("sophea")}
    lines = [unescape(line) for line in CURL.findall((await service.get("/docs")).text)]
    assert len(lines) == sum(map(len, todays()["paths"].values()))
    for words in await anyio.to_thread.run_sync(read_by_shell, lines):
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        url = next(word for word in words if word.startswith("P/")).removeprefix("P")
        headers = dict(word.split(": ", 1) for word in words if re.match(r"[A-Z][\w-]+: ", word))
        if authorization := headers.pop("Authorization", None):
            headers |= tokens[authorization]
        if headers.get(PROXY_HEADER) == "S":
            headers[PROXY_HEADER] = bearer.site()["Authorization"].removeprefix("Bearer ")
        body = words[words.index("-d") + 1] if "-d" in words else None
        answer = await service.request(method, url, headers=headers, content=body)
        is_decision = "x-paywall-unlocks-left" in answer.headers
        is_answered = answer.is_success or answer.status_code in (404, 409) or is_decision
        assert is_answered, (words, answer.text)


async def test_curl_lines_need_nothing_that_macos_lacks(service: httpx.AsyncClient) -> None:
    """Of commands only `date +%s`, which POSIX has; of curl only options that it always had."""
    lines = CURL.findall((await service.get("/docs")).text)
    assert lines
    for line in lines:
        assert {*re.findall(r"\$\((.*?)\)", unescape(line))} <= {"date +%s"}
        assert {*re.findall(r"^ *(?:curl )?(-\S+)", unescape(line), re.MULTILINE)} <= {
            "-X",
            "-H",
            "-d",
        }
