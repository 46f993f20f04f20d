"""What a site says in its own words: its name, and what it sells, in every language."""

from html import unescape
from pathlib import Path

import httpx
import msgspec
import pytest

from paywall.settings import Settings
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
        assert f"<b>{week}</b>" in page
    receipt = await service.get("/account/receipts/payment-1")
    assert receipt.text.splitlines()[:2] == [name, week]


async def test_a_language_of_the_sites_own_starts_from_the_english_of_the_site(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    await sell_a_week(service, bearer)
    await enter(service, bearer, "ann", language="fr")
    receipt = await service.get("/account/receipts/payment-1")
    assert receipt.text.startswith("The River Post\n")
