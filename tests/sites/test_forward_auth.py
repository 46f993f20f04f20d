"""Files behind nginx and Caddy: whole articles only for readers who may have them.

Each proxy runs the file of `docker/`, in front of one folder that everybody may see and one that
is gated. Every whole page has a canary, so an answer tells whose page it is.
"""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.processes import CLIENT, Served, serving
from tests.sites.crooked import CROOKED, FORGED
from tests.sites.proxies import PROXIES
from tests.sites.static_site import Page, StaticSite, fetch, request_of, running_site, send

ATTEMPTS_MAX = 10
SECRET, OPEN, PREVIEW, FRONT = "canary-of-secret", "canary-of-open", "only-a-preview", "front-page"
# The policy of each article; ann unlocked `open` and `ខ្មែរ` and nothing else.
POLICIES = {
    "secret": "premium", "open": "premium", "free": "free", "unpublished": None, "ខ្មែរ": "premium",
    **{f"metered-{number}": "metered" for number in range(4)},
}  # fmt: skip
KHMER = "/articles/%E1%9E%81%E1%9F%92%E1%9E%98%E1%9F%82%E1%9E%9A/"


class Behind(NamedTuple):
    """A site behind one proxy, and the service that it asks."""

    port: int
    served: Served

    def get(self, target: str, *headers: str) -> Page:
        """As a reader does on a busy machine, try again where there was no decision in time."""
        page = fetch(self.port, target, *headers)
        for _ in range(ATTEMPTS_MAX):
            if page.status != httpx.codes.SERVICE_UNAVAILABLE:
                break
            page = fetch(self.port, target, *headers)
        return page

    def cookie(self, reader_id: str) -> str:
        return f"Cookie: theme=dark; paywall_token={self.served.reader_token(reader_id)}"

    def bearer(self, reader_id: str) -> str:
        return f"Authorization: Bearer {self.served.reader_token(reader_id)}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("forward-auth")
    # The default request deadline: the proxies wait a second longer.
    rules = "/articles/{id}/,/articles/{id}.html"
    with serving(folder, forward_auth_paths=rules, meter_limit="2") as served:
        put = {"Authorization": f"Bearer {served.site_token('admin')}"}
        for article_id, policy in POLICIES.items():
            if policy is not None:
                article = {"title": article_id, "policy": policy}
                answer = CLIENT.put(
                    f"{served.address}/v1/articles/{article_id}", json=article, headers=put
                )
                assert answer.status_code == 201, answer.text
        for article_id in ("open", "ខ្មែរ"):
            unlock = {"article_id": article_id, "source": "complimentary"}
            answer = CLIENT.post(
                f"{served.address}/v1/subscribers/ann/unlocks", json=unlock, headers=put
            )
            assert answer.status_code == 201, answer.text
        yield served


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> StaticSite:
    folder = tmp_path_factory.mktemp("static-site")
    site = StaticSite(folder / "public", folder / "gated")
    site.write("index.html", None, FRONT)
    site.write("assets/site.css", None, "body { color: black }")
    for article_id in POLICIES:
        for path in (f"articles/{article_id}/index.html", f"articles/{article_id}.html"):
            site.write(path, f"canary-of-{article_id}", PREVIEW)
    return site


@pytest.fixture(scope="module", params=PROXIES)
def behind(
    request: pytest.FixtureRequest, served: Served, site: StaticSite,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Behind]:  # fmt: skip
    folder: Path = tmp_path_factory.mktemp("proxy") / request.param
    address = served.address.removeprefix("http://")
    token = served.site_token("access:check")
    with running_site(request.param, folder, site, address, token) as port:
        yield Behind(port, served)


def test_who_unlocked_an_article_gets_the_file_and_nobody_else(behind: Behind) -> None:
    for target in ("/articles/open/", "/articles/open.html", "/articles/open/?utm_source=a/../b"):
        for who in (behind.cookie, behind.bearer):
            page = behind.get(target, who("ann"))
            assert page.shows(OPEN), page
            assert "cache-control: no-store" in page.text.lower()
            assert not behind.get(target, who("bo")).shows(OPEN)
            assert behind.get(target, who("bo")).shows(PREVIEW)
        page = behind.get(target)
        assert (page.status, page.shows(OPEN), page.shows(PREVIEW)) == (200, False, True)
        assert "cache-control: no-store" in page.text.lower()
    assert behind.get(KHMER, behind.cookie("ann")).shows("canary-of-ខ្មែរ")
    assert behind.get(KHMER.lower(), behind.cookie("ann")).shows("canary-of-ខ្មែរ")
    assert not behind.get(KHMER).shows("canary-of-ខ្មែរ")
    assert behind.get("/articles/secret/", behind.cookie("ann")).shows(PREVIEW)


def test_a_folder_without_its_slash_leads_to_its_only_address(behind: Behind) -> None:
    """Else a reader who may have the article would see its preview there."""
    for target in ("/articles/open/", KHMER):
        page = behind.get(f"{target[:-1]}?a=b", behind.cookie("ann"))
        assert page.status in (301, 308), page
        assert not page.shows("canary")
        (location,) = re.findall(r"(?im)^location: (\S+)", page.text)
        assert location.partition("?")[0].lower() == target.lower()


def test_what_is_free_is_for_everybody_and_what_is_unknown_for_nobody(behind: Behind) -> None:
    assert behind.get("/articles/free/").shows("canary-of-free")
    assert behind.get("/").shows(FRONT)
    assert behind.get("/assets/site.css").shows("color: black")
    for headers in ([], [behind.cookie("ann")]):
        page = behind.get("/articles/unpublished/", *headers)
        assert page.shows(PREVIEW)
        assert not page.shows("canary-of-unpublished")
    assert behind.get("/articles/nothing/").status == 404


@pytest.mark.parametrize("target", CROOKED)
def test_no_crooked_path_gives_the_file_of_another_article(behind: Behind, target: str) -> None:
    """Ann may have `open`, and everybody `free`."""
    for headers in ([], [behind.cookie("ann")]):
        page = behind.get(target, *headers)
        assert page.status, "no answer"
        assert not page.shows(SECRET), page
    assert not behind.get(target).shows(OPEN)


@pytest.mark.parametrize("forged", FORGED, ids=repr)
def test_no_forged_header_gives_the_file(behind: Behind, forged: tuple[str, ...]) -> None:
    site_token = behind.served.site_token("access:check")
    ann = behind.served.reader_token("ann")
    lines = [line.replace("SITE", site_token).replace("ANN", ann) for line in forged]
    for target in ("/articles/secret/", "/articles/secret.html"):
        for headers in (lines, [behind.cookie("ann"), *lines], [*lines, behind.cookie("ann")]):
            page = behind.get(target, *headers)
            assert page.status, "no answer"
            assert not page.shows(SECRET), page


def test_a_request_hidden_behind_another_is_decided_for_itself(behind: Behind) -> None:
    ann, article = behind.cookie("ann"), "X-Paywall-Article: open"
    opened = request_of("/articles/open/", ann)
    wanted = request_of("/articles/secret/", article, "X-Original-URI: /articles/open/")
    last = request_of("/articles/secret/", ann, "Connection: close")
    page = send(behind.port, opened + wanted + opened + last)
    assert page.text.count("HTTP/1.1 200") == 4, page
    assert page.text.count(OPEN) == 2
    assert not page.shows(SECRET)
    hidden = (opened + wanted).decode()
    for headers in (
        (f"Content-Length: {len(hidden)}",),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Connection: Upgrade", "Upgrade: h2c", f"Content-Length: {len(hidden)}"),
    ):
        page = fetch(behind.port, "/articles/secret/", article, *headers, body=hidden)
        assert not page.shows(SECRET), page


def test_only_get_and_head_read_a_file(behind: Behind) -> None:
    for method in ("POST", "PUT", "PROPFIND", "X"):
        page = fetch(behind.port, "/articles/open/", behind.cookie("ann"), method=method)
        assert page.status == 405, page
        assert not page.shows(OPEN)
    head = fetch(behind.port, "/articles/open/", behind.cookie("ann"), method="HEAD")
    assert (head.status, head.shows(OPEN)) == (200, False)


def test_a_visitor_reads_as_many_articles_as_the_meter_allows(behind: Behind) -> None:
    page = behind.get("/articles/metered-0/")
    assert page.shows("canary-of-metered-0")
    cookies = re.findall(r"(?i)^set-cookie: (paywall_visitor=[\w-]+);", page.text, re.MULTILINE)
    assert len(cookies) == 1, page
    visitor = f"Cookie: a=b; {cookies[0]}"
    shown = []
    for number in (0, 1, 0, 2, 1):
        page = behind.get(f"/articles/metered-{number}/", visitor)
        assert "set-cookie" not in page.text.lower()
        shown.append(page.shows(f"canary-of-metered-{number}"))
    assert shown == [True, True, True, False, True]
    assert behind.get("/articles/metered-2/", behind.cookie("ann"), visitor).shows("-metered-2")


def test_head_of_a_page_counts_as_get_does(behind: Behind) -> None:
    """The proxies ask by GET for both, so no header decides what is counted."""
    visitor = f"Cookie: paywall_visitor=head-{behind.port}"
    for number in (0, 1):
        target = f"/articles/metered-{number}/"
        assert fetch(behind.port, target, visitor, method="HEAD").status == 200
    shown = [behind.get(f"/articles/metered-{n}/", visitor).shows("canary") for n in (0, 1, 2)]
    assert shown == [True, True, False]


def test_a_token_that_the_service_refuses_opens_nothing(
    served: Served, site: StaticSite, tmp_path: Path
) -> None:
    """Then a preview would hide that the proxy is not set up."""
    address = served.address.removeprefix("http://")
    for name in PROXIES:
        for token in ("x", served.site_token("articles:read"), served.reader_token("ann")):
            folder = tmp_path / f"{name}-{len(token)}"
            with running_site(name, folder, site, address, token) as port:
                page = fetch(port, "/articles/free/")
                assert (page.status, page.shows("canary")) == (503, False), page
                assert fetch(port, "/").shows(FRONT)


def shows_nothing_gated(behind: Behind) -> None:
    for target in ("/articles/open/", "/articles/free/", "/articles/secret/"):
        page = fetch(behind.port, target, behind.cookie("ann"))
        assert page.status == httpx.codes.SERVICE_UNAVAILABLE, page
        assert "retry-after" in page.text.lower()
        assert not page.shows("canary")
    assert behind.get("/").shows(FRONT)


def test_while_the_service_hangs_gated_pages_are_unavailable(behind: Behind) -> None:
    """The proxies wait for as long as their files say, and not for as long as this test."""
    behind.served.process.send_signal(signal.SIGSTOP)
    try:
        shows_nothing_gated(behind)
    finally:
        behind.served.process.send_signal(signal.SIGCONT)
    assert behind.get("/articles/open/", behind.cookie("ann")).shows(OPEN)


def test_while_the_service_is_gone_gated_pages_are_unavailable(behind: Behind) -> None:
    behind.served.stop(signal.SIGKILL)
    try:
        shows_nothing_gated(behind)
    finally:
        behind.served.start()
        behind.served.wait_until_ready()
    assert behind.get("/articles/open/", behind.cookie("ann")).shows(OPEN)
