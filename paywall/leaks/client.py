"""One request to the site, with limits on time, size, redirects, decompression and rate."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from paywall.lazy_import import lazy_import
from paywall.leaks.hosts import HostRefusedError, PinnedHosts, is_same_site
from paywall.leaks.probes import Probe
from paywall.rules.urls import DEFAULT_PORTS

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

USER_AGENT = "paywall-leaks/1 (checks this site for its publisher)"
# What servers send to a reader's browser; only encodings that are decoded here.
HEADERS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Encoding": "gzip"}
GZIP_OR_ZLIB = 47
# Decompressed step by step, so that no piece of a response grows to more than this.
PIECE_BYTES_MAX = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b"
DECODED = frozenset(["", "identity", "gzip", "x-gzip", "deflate"])
# The site did not answer the question, only that it would not now.
NOT_ANSWERED = frozenset([429, 502, 503, 504])


class FetchLimits(NamedTuple):
    """What one request may take, and how many there may be in a second."""

    requests_per_second: float = 5.0
    response_seconds: float = 15.0
    response_bytes_max: int = 4 * 1024 * 1024
    redirects_max: int = 5


class Hop(NamedTuple):
    """One response; a redirect has a body too."""

    url: str
    status: int
    headers: "httpx.Headers"
    body: bytes


@dataclass
class Fetched:
    """What came of a probe: responses, and why they are not complete."""

    probe: Probe
    hops: list[Hop] = field(default_factory=list)
    problem: str | None = None
    # The target of a redirect to another site, which was not followed.
    left_to: str | None = None


class SiteClient:
    """Sends one request at a time, and connects only to pinned addresses."""

    def __init__(self, http: "httpx.AsyncClient", hosts: PinnedHosts, limits: FetchLimits) -> None:
        self._http = http
        self._hosts = hosts
        self._limits = limits
        self._next_at = 0.0

    async def fetch(self, probe: Probe, site_url: str) -> Fetched:
        """Ask, and follow redirects on the site; never raises for what the site does."""
        fetched = Fetched(probe)
        try:
            async with asyncio.timeout(self._limits.response_seconds):
                await self._follow(fetched, site_url)
        except TimeoutError:
            fetched.problem = f"not finished within {self._limits.response_seconds:g} s"
        except HostRefusedError as error:
            fetched.problem = str(error)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, zlib.error) as error:
            fetched.problem = f"failed: {str(error) or type(error).__name__}"
        return fetched

    async def _follow(self, fetched: Fetched, site_url: str) -> None:
        url = fetched.probe.url
        for _ in range(self._limits.redirects_max + 1):
            target = await self._ask(fetched, url)
            if target is None:
                return
            if not is_same_site(target, site_url):
                fetched.left_to = target
                return
            url = target
        fetched.problem = f"more than {self._limits.redirects_max} redirects"

    async def _ask(self, fetched: Fetched, url: str) -> str | None:
        """Ask once, add the response, and return the target if it is a redirect."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or int(DEFAULT_PORTS[parts.scheme])
        addresses = await self._hosts.addresses_of(host, port)
        for index, address in enumerate(addresses):
            await self._wait_for_turn()
            try:
                return await self._ask_address(fetched, url, address)
            except httpx.ConnectError:
                if index == len(addresses) - 1:
                    raise
        raise HostRefusedError(f"the host {host} has no address")

    async def _ask_address(self, fetched: Fetched, url: str, address: str) -> str | None:
        named = httpx.URL(url)
        probe = fetched.probe
        body = bytearray()
        async with self._http.stream(
            probe.method,
            named.copy_with(host=address, fragment=None),
            headers={"Host": named.netloc.decode(), **HEADERS, **dict(probe.headers)},
            extensions={"sni_hostname": named.raw_host.decode()},
        ) as response:
            headers = httpx.Headers(response.headers)
            try:
                fetched.problem = await self._read(response, body) or fetched.problem
            finally:
                # What came before a time-out is compared too.
                fetched.hops.append(Hop(url, response.status_code, headers, bytes(body)))
        if response.status_code in NOT_ANSWERED:
            fetched.problem = f"answered with status {response.status_code}"
        location = response.headers.get("Location")
        return urljoin(url, location) if response.has_redirect_location and location else None

    async def _read(self, response: "httpx.Response", body: bytearray) -> str | None:
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in DECODED:
            return f"its encoding {encoding[:40]!r} cannot be read"
        limit = self._limits.response_bytes_max
        async for piece in _decoded(response, is_compressed=encoding not in ("", "identity")):
            body += piece
            if len(body) > limit:
                del body[limit:]
                return f"longer than {limit} bytes, of which the first were compared"
        return None

    async def _wait_for_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        wait_seconds = max(self._next_at - now, 0)
        self._next_at = now + wait_seconds + 1 / self._limits.requests_per_second
        await asyncio.sleep(wait_seconds)


async def _decoded(response: "httpx.Response", *, is_compressed: bool) -> AsyncIterator[bytes]:
    """The body in pieces of a bounded size, also of what is a compressed file (`.xml.gz`)."""
    decompressor = zlib.decompressobj(GZIP_OR_ZLIB) if is_compressed else None
    is_first = True
    async for raw in response.aiter_raw():
        if is_first and raw.startswith(GZIP_MAGIC):
            decompressor = zlib.decompressobj(GZIP_OR_ZLIB)
        is_first = False
        if decompressor is None:
            yield raw
            continue
        rest, piece = raw, None
        while not decompressor.eof and (rest or piece is None or len(piece) == PIECE_BYTES_MAX):
            piece = decompressor.decompress(rest, PIECE_BYTES_MAX)
            rest = decompressor.unconsumed_tail
            yield piece


@asynccontextmanager
async def open_client(hosts: PinnedHosts, limits: FetchLimits) -> AsyncIterator[SiteClient]:
    """A client that uses no proxy, keeps no cookie, and checks certificates."""
    async with httpx.AsyncClient(
        timeout=limits.response_seconds,
        trust_env=False,
        verify=ssl.create_default_context(),
        headers={"User-Agent": USER_AGENT},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    ) as http:
        yield SiteClient(http, hosts, limits)
