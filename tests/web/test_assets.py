"""The script and the style sheet for pages of the site: small, kept for long, known by hash."""

import base64
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from paywall.app import create_app
from paywall.settings import Settings, SettingsError
from paywall.web.assets import load_assets
from tests.conftest import SetClock
from tests.web.conftest import ORIGIN

SIZE_BYTES_MAX = 20_480


@dataclass
class Found:
    """What a page would load."""

    script: httpx.Response
    style: httpx.Response


async def found(service: httpx.AsyncClient) -> Found:
    received = (await service.get("/v1/parts")).json()
    loaded = {}
    for name, part in received.items():
        answer = await service.get(part["path"], headers={"Origin": ORIGIN})
        digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
        assert part["integrity"] == f"sha384-{digest}"
        loaded[name] = answer
    return Found(**loaded)


async def test_both_together_are_within_twenty_kib_gzipped(service: httpx.AsyncClient) -> None:
    parts = await found(service)
    size = len(gzip.compress(parts.script.content)) + len(gzip.compress(parts.style.content))
    assert size <= SIZE_BYTES_MAX


async def test_a_page_of_the_site_may_keep_them_for_a_year(service: httpx.AsyncClient) -> None:
    parts = await found(service)
    for answer, kind in ((parts.script, "text/javascript"), (parts.style, "text/css")):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        unasked = await service.get(answer.request.url.path)
        assert unasked.headers["access-control-allow-origin"] == "*"


async def test_under_an_old_version_todays_is_served_and_not_kept(
    service: httpx.AsyncClient,
) -> None:
    today = (await found(service)).script.content
    old = await service.get("/web/0123456789abcdef/paywall.js")
    assert (old.content, old.headers["cache-control"]) == (today, "no-cache")
    assert (await service.get("/web/0123456789abcdef/nothing.js")).status_code == 404


async def test_words_come_in_the_first_language_that_there_is(service: httpx.AsyncClient) -> None:
    version = (await service.get("/v1/parts")).json()["script"]["path"].rpartition("/")[0]
    for asked, code in (("km-KH,en", "km"), ("fr", "en"), ("", "en"), (",,;\x01", "en")):
        answer = await service.get(f"{version}/words.json", params={"languages": asked})
        assert answer.json()["language"] == code
        assert "immutable" in answer.headers["cache-control"]


async def test_they_load_nothing_and_need_nothing_inline(service: httpx.AsyncClient) -> None:
    parts = await found(service)
    script, style = parts.script.text, parts.style.text
    for word in (
        "https:" + "//cdn",
        "eval(",
        "document.write",
        "document.cookie",
        "style=",
        ".style.",
    ):
        assert word not in script
    assert "@import" not in style
    assert "url(" not in style


def test_the_sites_colours_come_after_ours_and_change_the_version(tmp_path: Path) -> None:
    (tmp_path / "colours.css").write_text(":root { --paywall-accent: #a00; }")
    themed, plain = load_assets(str(tmp_path), "UTC"), load_assets("", "UTC")
    assert themed.style.plain.content.startswith(plain.style.plain.content)
    assert themed.style.plain.content.endswith(b"--paywall-accent: #a00; }")
    assert themed.version != plain.version


async def test_times_are_written_in_the_zone_of_the_site(
    service: httpx.AsyncClient,
) -> None:
    version = (await service.get("/v1/parts")).json()["script"]["path"].rpartition("/")[0]
    received = (await service.get(f"{version}/words.json")).json()
    assert (received["zone"], received["gmt"]) == ("UTC", "GMT")
    assert load_assets("", "UTC").version != load_assets("", "Asia/Phnom_Penh").version


def test_a_language_of_one_region_has_words(tmp_path: Path) -> None:
    (tmp_path / "pt-BR.toml").write_text("")
    assets = load_assets(str(tmp_path), "UTC")
    assert assets.words[assets.languages.choose(["pt-br"]).code] is not assets.words["en"]


def test_a_theme_that_is_not_there_stops_the_start(tmp_path: Path, clock: SetClock) -> None:
    settings = Settings(data_dir=str(tmp_path), theme_dir=str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="is not a folder"):
        create_app(settings, clock)
