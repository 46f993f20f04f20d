"""Files for everybody: which representation is chosen, and when none is sent again."""

import httpx
import pytest

from paywall.http.static_files import CODINGS_MAX, takes_gzip
from paywall.settings import Settings
from tests.web.conftest import ORIGIN

ACCEPTED = {
    "gzip": True,
    "GZIP": True,
    "x-gzip": True,
    "deflate, gzip;q=1.0, *;q=0.5": True,
    "br, zstd, gzip": True,
    "*": True,
    "gzip;q=0.001": True,
    "gzip ; q=0.5": True,
    "": False,
    "identity": False,
    "br": False,
    "gzip;q=0": False,
    "gzip;q=0.000": False,
    "gzip;q=0, *": False,
    "*;q=0": False,
    "identity, gzip;q=0.5": False,
    "gzip;q=nothing": False,
    "gzip;q=1.2.3": False,
    f"{'br,' * (CODINGS_MAX - 1)}gzip": True,
    f"{'br,' * CODINGS_MAX}gzip": False,
}
PATHS = [
    "/docs",
    "/docs.css",
    "/docs.js",
    "/openapi.json",
    "/web/1/paywall.js",
    "/v1/parts/current/paywall.css",
]
ZIPPED, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "gzip;q=0"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return Settings(
        database_url=settings.database_url, data_dir=settings.data_dir, allowed_origins=[ORIGIN]
    )


@pytest.mark.parametrize(("accept_encoding", "is_zipped"), ACCEPTED.items())
def test_gzip_is_sent_to_who_takes_it(accept_encoding: str, is_zipped: bool) -> None:  # noqa: FBT001 (a case of the table)
    assert takes_gzip(accept_encoding) == is_zipped


async def test_each_representation_has_its_own_etag_and_says_what_it_varies_with(
    service: httpx.AsyncClient,
) -> None:
    for path in PATHS:
        zipped = await service.get(path, headers=ZIPPED)
        plain = await service.get(path, headers=PLAIN)
        assert zipped.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert zipped.headers["etag"] != plain.headers["etag"]
        assert plain.headers["content-length"] == str(len(plain.content))
        assert zipped.content == plain.content
        for answer in (zipped, plain):
            assert answer.headers["vary"].lower() == "accept-encoding"


async def test_a_page_of_the_site_does_not_change_what_it_varies_with(
    service: httpx.AsyncClient,
) -> None:
    answer = await service.get("/web/1/paywall.js", headers={"Origin": ORIGIN, **ZIPPED})
    assert {item.lower() for item in answer.headers.get_list("vary", split_commas=True)} == {
        "origin",
        "accept-encoding",
    }


async def test_what_the_client_has_is_not_sent_again(service: httpx.AsyncClient) -> None:
    for path in PATHS:
        etag = (await service.get(path, headers=ZIPPED)).headers["etag"]
        for tags in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            for method in ("GET", "HEAD"):
                asked = {**ZIPPED, "If-None-Match": tags}
                kept = await service.request(method, path, headers=asked)
                assert (kept.status_code, kept.content) == (304, b"")
                assert kept.headers["etag"] == etag
                assert kept.headers["vary"].lower() == "accept-encoding"
                assert "content-encoding" not in kept.headers
        for tags in ('"other"', etag.strip('"'), ""):
            anew = await service.get(path, headers={**ZIPPED, "If-None-Match": tags})
            assert anew.status_code == 200
        other = await service.get(path, headers={**PLAIN, "If-None-Match": etag})
        assert (other.status_code, bool(other.content)) == (200, True)


async def test_what_is_a_readers_own_is_never_compressed(service: httpx.AsyncClient) -> None:
    """Its length would tell of it (https://www.breachattack.com)."""
    for path in ("/account", "/v1/me", "/v1/offers", "/readyz"):
        answer = await service.get(path, headers=ZIPPED)
        assert "content-encoding" not in answer.headers
