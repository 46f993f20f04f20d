"""What a site says in its own words: its name, and what it sells, in every language."""

import re
from html import unescape
from pathlib import Path

import httpx
import msgspec
import pytest

from paywall.settings import Settings, SettingsError
from paywall.web.assets import load_assets
from paywall.web.theme_images import IMAGE_BYTES_MAX
from tests.conftest import Bearer
from tests.web.plain import account, enter

ENGLISH = 'site_name = "The River Post"\n'
KHMER = """site_name = "ដំណឹងមាត់ទន្លេ"
[pass]
week = "អានគ្រប់អត្ថបទមួយសប្តាហ៍"
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    folder = tmp_path / "theme"
    folder.mkdir()
    (folder / "en.toml").write_text(ENGLISH)
    (folder / "km.toml").write_text(KHMER)
    (folder / "fr.toml").write_text("")
    return msgspec.structs.replace(settings, theme_dir=str(folder))


async def sell_a_week(service: httpx.AsyncClient, bearer: Bearer) -> None:
    week = {"title": "A week", "days": 7, "prices": [{"amount": 150, "currency": "usd"}]}
    await service.put("/v1/passes/week", json=week, headers=bearer.site())
    bought = {"reader_id": "ann", "processor": "khqr", "reference": "7f3a", "pass_id": "week"}
    paid = {"amount_paid": 150, "currency": "usd"}
    await service.post("/v1/purchases", json=bought | paid, headers=bearer.site())


@pytest.mark.parametrize(
    ("language", "name", "week"),
    [
        ("en", "The River Post", "A week"),
        ("km", "ដំណឹងមាត់ទន្លេ", "អានគ្រប់អត្ថបទមួយសប្តាហ៍"),
    ],
)
async def test_pages_and_receipts_use_the_sites_own_names(
    language: str, name: str, week: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await sell_a_week(service, bearer)
    shop = await enter(service, bearer, "ann", page="buy", language=language)
    received = await account(service)
    for page in (unescape(shop.text), received):
        assert f" · {name}</title>" in page
        assert f">{week}</" in page
    shown = await service.get("/account/receipts/payment-1")
    assert "/account/receipts/payment-1.txt" in shown.text
    receipt = await service.get("/account/receipts/payment-1.txt")
    lines = receipt.text.splitlines()
    assert lines[0] == name
    assert any(week in line for line in lines[1:])


async def test_a_language_of_the_sites_own_starts_from_the_english_of_the_site(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await sell_a_week(service, bearer)
    await enter(service, bearer, "ann", language="fr")
    receipt = await service.get("/account/receipts/payment-1.txt")
    assert receipt.text.startswith("The River Post\n")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\n"
ICO = b"\x00\x00\x01\x00"


async def test_pages_wear_the_sites_logo_and_icon(
    settings: Settings, service: httpx.AsyncClient
) -> None:
    page = (await service.get("/account")).text
    assert ">The River Post</a></p>" in page
    assert "<img" not in page
    folder = Path(settings.theme_dir)
    (folder / "logo.svg").write_bytes(SVG)
    (folder / "favicon.ico").write_bytes(ICO)
    load_assets.cache_clear()
    page = (await service.get("/account")).text
    (logo,) = re.findall('<img src="([^"]+/logo.svg)" alt="The River Post">', page)
    (icon,) = re.findall('<link rel="icon" href="([^"]+/favicon.ico)">', page)
    for path, kind, content in ((logo, "image/svg+xml", SVG), (icon, "image/x-icon", ICO)):
        image = await service.get(path)
        assert (image.content, image.headers["content-type"].partition(";")[0]) == (content, kind)
        assert image.headers["x-content-type-options"] == "nosniff"
        assert image.headers["content-security-policy"].endswith("; sandbox")
        assert "immutable" in image.headers["cache-control"]
    assert (await service.get(logo.replace(".svg", ".png"))).status_code == 404


@pytest.mark.parametrize("name", ["logo.svg", "logo.png", "favicon.png", "favicon.ico"])
def test_an_image_has_64_kib_at_most_and_the_type_of_its_name(name: str, tmp_path: Path) -> None:
    mark = {".svg": SVG, ".png": PNG, ".ico": ICO}[Path(name).suffix]
    (tmp_path / name).write_bytes(mark.ljust(IMAGE_BYTES_MAX))
    assert list(load_assets(str(tmp_path), "UTC").images) == [name]
    for wrong, why in ((mark.ljust(IMAGE_BYTES_MAX + 1), "larger"), (b"<html>", "not of the type")):
        (tmp_path / name).write_bytes(wrong)
        load_assets.cache_clear()
        with pytest.raises(SettingsError, match=f"{name} is {why}"):
            load_assets(str(tmp_path), "UTC")
