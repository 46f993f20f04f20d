"""Whatever a site answers, `paywall leaks` comes to an end, and stays where it was sent."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from paywall.leaks.client import FetchLimits, open_client
from paywall.leaks.hosts import HostRefusedError, PinnedHosts, is_private, is_same_site
from paywall.leaks.links import links_of_page
from paywall.leaks.probes import Probe
from tests.leaks.site import PATH, Answer, Request, Site, served_site
from tests.leaks.texts import REST

SMALL = FetchLimits(requests_per_second=1000, response_seconds=20, response_bytes_max=1_000_000)
HASTY = FetchLimits(requests_per_second=1000, response_seconds=0.3, response_bytes_max=1_000_000)
MEGABYTES_64 = 64 * 1024 * 1024


async def fetched(site: Site, answer: Answer, limits: FetchLimits = SMALL) -> tuple[bytes, str]:
    """The last body that was read from such an answer, and the problem."""
    site.at(PATH, answer)
    async with open_client(PinnedHosts(allow_private=True), limits) as client:
        came = await client.fetch(Probe(site.url), site.url)
    return (came.hops[-1].body if came.hops else b""), came.problem or ""


def bomb(wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(bytes(MEGABYTES_64)) + packer.flush()


@pytest.mark.parametrize(("wbits", "encoding"), [(31, "gzip"), (15, "deflate"), (31, "x-gzip")])
async def test_a_bomb_is_read_to_the_limit(site: Site, wbits: int, encoding: str) -> None:
    headers = (("Content-Encoding", encoding),)
    body, problem = await fetched(site, Answer(bomb(wbits), headers=headers))
    assert len(body) == SMALL.response_bytes_max
    assert problem == "longer than 1000000 bytes, of which the first were compared"


async def test_a_bomb_is_not_unpacked_in_memory(site: Site) -> None:
    answer = Answer(bomb(31), headers=(("Content-Encoding", "gzip"),))
    tracemalloc.start()
    await fetched(site, answer)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < MEGABYTES_64 / 4


async def test_a_compressed_file_that_is_a_bomb_is_read_to_the_limit(site: Site) -> None:
    body, problem = await fetched(site, Answer(bomb(31), "application/gzip"))
    assert (len(body), problem[:11]) == (SMALL.response_bytes_max, "longer than")


async def test_a_compressed_response_is_read_whole(site: Site) -> None:
    text = REST.encode() * 1000
    headers = (("Content-Encoding", "gzip"),)
    assert await fetched(site, Answer(gzip.compress(text), headers=headers)) == (text, "")


async def test_an_endless_response_is_read_to_the_limit(site: Site) -> None:
    def pieces() -> Iterator[bytes]:
        while True:
            yield b"<item>news</item>" * 1000

    body, problem = await fetched(site, Answer(pieces()))
    assert (len(body), problem[:11]) == (SMALL.response_bytes_max, "longer than")


async def test_what_drips_is_compared_as_far_as_it_came(site: Site) -> None:
    def pieces() -> Iterator[bytes]:
        yield REST.encode()
        while not site.is_closing.wait(0.02):
            yield b" "

    body, problem = await fetched(site, Answer(pieces()), HASTY)
    assert body.startswith(REST.encode())
    assert problem == "not finished within 0.3 s"


async def test_a_response_that_never_begins_is_given_up(site: Site) -> None:
    def wait(_request: Request) -> Answer:
        site.is_closing.wait()
        return Answer()

    site.rules.append(wait)
    assert await fetched(site, Answer(), HASTY) == (b"", "not finished within 0.3 s")


async def test_redirects_in_a_circle_are_given_up(site: Site) -> None:
    answer = Answer(status=302, headers=(("Location", PATH),))
    assert await fetched(site, answer) == (b"", "more than 5 redirects")
    assert len(site.requests) == 6


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/", "//127.0.0.1:1/", "ftp://x", "file:///etc/passwd",
     "http://[::1]/", "http://["],
)  # fmt: skip
async def test_redirects_to_elsewhere_are_not_followed(site: Site, location: str) -> None:
    body, _ = await fetched(site, Answer("old", status=301, headers=(("Location", location),)))
    assert (body, len(site.requests)) == (b"old", 1)


async def test_another_service_on_the_machine_is_not_reached(site: Site) -> None:
    with served_site() as other:
        await fetched(site, Answer(status=307, headers=(("Location", other.url),)))
        assert other.requests == []


async def test_an_encoding_that_was_not_asked_for_is_a_problem(site: Site) -> None:
    _, problem = await fetched(site, Answer(b"?", headers=(("Content-Encoding", "br"),)))
    assert problem == "its encoding 'br' cannot be read"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_site_that_will_not_answer_now_is_a_problem(site: Site, status: int) -> None:
    assert await fetched(site, Answer(status=status)) == (
        b"", f"answered with status {status}"
    )  # fmt: skip


async def test_broken_compression_is_a_problem(site: Site) -> None:
    broken = Answer(b"\x1f\x8b\x08\x00" + b"\xff" * 100, headers=(("Content-Encoding", "gzip"),))
    _, problem = await fetched(site, broken)
    assert problem.startswith("failed: Error -3")


async def test_a_name_is_resolved_once_so_it_cannot_change(site: Site) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolver(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    url = site.url.replace("127.0.0.1", "news.test")
    hosts = PinnedHosts(allow_private=True, resolver=resolver)
    async with open_client(hosts, SMALL) as client:
        first, second = [await client.fetch(Probe(url), url) for _ in range(2)]
    assert (first.problem, second.problem) == (None, None)
    assert {request.headers["host"] for request in site.requests} == {
        url.split("/")[2]
    }  # fmt: skip


async def test_a_host_below_the_site_with_a_private_address_is_refused() -> None:
    """A linked `amp.` host, whose name a stranger may own by now."""

    async def resolver(host: str, _port: int) -> list[str]:
        return ["10.0.0.1"] if host.startswith("amp.") else ["8.8.8.8"]

    hosts = PinnedHosts(allow_private=False, resolver=resolver)
    assert await hosts.addresses_of("news.test", 80) == ["8.8.8.8"]
    async with open_client(hosts, SMALL) as client:
        came = await client.fetch(Probe("http://amp.news.test/"), "http://news.test/")
    assert came.hops == []
    assert "private address 10.0.0.1" in (came.problem or "")


async def test_one_private_address_among_public_ones_is_refused() -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "192.168.0.1"]

    with pytest.raises(HostRefusedError, match=r"192\.168\.0\.1"):
        await PinnedHosts(allow_private=False, resolver=resolver).addresses_of("news.test", 80)


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1
    240.0.0.1 255.255.255.255 192.0.2.1 :: ::1 fd00::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 2001:db8::1""".split(),
)
def test_addresses_that_are_not_of_the_internet_are_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_not_private(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize(
    "url",
    ["https://news.example/a", "http://www.news.example/a", "https://amp.news.example/a"],
)
def test_hosts_below_the_site_belong_to_it(url: str) -> None:
    assert is_same_site(url, "https://www.news.example/story")


@pytest.mark.parametrize(
    "url",
    ["https://news.example:8443/a", "https://evilnews.example/a", "ftp://news.example/a",
     "https://news.example.evil.test/a", "https://news.example@evil.test/a",
     "https://news.example:port/", "https://1.news.example./", ""],
)  # fmt: skip
def test_other_hosts_and_ports_do_not_belong_to_the_site(url: str) -> None:
    assert not is_same_site(url, "https://www.news.example/story")


def test_an_ip_address_has_no_hosts_below_it() -> None:
    assert not is_same_site("http://1.10.0.0.1/", "http://10.0.0.1/")


HOSTILE = ["<a " * 200_000, '<a x="' * 200_000, "<link rel=x " * 100_000, "<a =" * 200_000,
           "<" * 1_000_000, "<a href=x>" * 300_000, "<a" + " x=1" * 500_000]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:12])
def test_links_of_hostile_pages_are_bounded(hostile: str) -> None:
    links = links_of_page(hostile, "https://news.example/bridge", [])
    assert len([*links.related, *links.archives, *links.mentioned]) <= 60


def test_links_are_those_of_the_site_alone() -> None:
    page = (
        '<link rel=amphtml href="https://amp.news.example/bridge">'
        "<LINK REL='alternate' HREF='/feed/?a=1&amp;b=2'>"
        '<link rel=stylesheet href="/style.css"><link rel=canonical href="https://evil.test/">'
        '<a rel=tag href="/tag/bridges/">x</a><a href="/print/bridge#top">x</a>'
        '<img src="/bridge.jpg"><a href="javascript:bridge()">x</a><a href="http://[bridge">x</a>'
    )
    links = links_of_page(page, "https://news.example/bridge", ["</wp-json/>; rel=api"])
    assert set(links.related) == {
        "https://news.example/wp-json/", "https://amp.news.example/bridge",
        "https://news.example/feed/?a=1&b=2",
    }  # fmt: skip
    assert links.archives == ["https://news.example/tag/bridges/"]
    assert links.mentioned == ["https://news.example/print/bridge"]
