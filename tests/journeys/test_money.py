"""The script writes money, dates and counts exactly as the service's own pages do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser

from paywall.rules.currencies import DECIMALS
from paywall.web.assets import load_assets
from paywall.web.language import Language

SCRIPT = Path(__file__).parents[2] / "paywall" / "web" / "script"
# Runs the script's own files in an empty page, and writes with one language's words.
WRITE = """({ source, texts, now, amounts, ends, counts }) => {
    const start = `const Date = class extends globalThis.Date { static now() { return ${now}; } };`;
    const Words = new Function(`${start} ${source}; return Words;`)();
    const words = new Words(texts);
    return {
        money: amounts.map((one) => words.money(one)),
        starts: ends.map((end) => words.start(end)),
        ends: ends.map((end) => words.end(end)),
        counts: counts.map((count) => words.t("credits", { count })),
    };
}"""
AMOUNTS = [(amount, currency) for currency in DECIMALS for amount in (0, 5, 100, 1_234_550_000)]
COUNTS = [0, 1, 2, 11, 1_234, 12_345, 1_234_567]
# Midnight in Phnom Penh, when the day before is over.
MIDNIGHT = datetime(2027, 3, 3, 17, tzinfo=UTC)
ENDS = [
    MIDNIGHT + timedelta(days=days, milliseconds=milliseconds)
    for days in (-400, -3, -2, 0, 1, 2, 3, 30, 365)
    for milliseconds in (-1, 0, 1, 3_600_000)
]
LANGUAGES = ("en", "km", "en-US", "de", "de-CH", "es", "fr", "hi", "ja", "pl", "pt-PT", "sv", "th")


def written_by_service(language: Language) -> dict[str, list[str]]:
    return {
        "money": [language.money(*one) for one in AMOUNTS],
        "starts": [language.start(end, MIDNIGHT) for end in ENDS],
        "ends": [language.end(end, MIDNIGHT) for end in ENDS],
        "counts": [language.translate("credits", count=count) for count in COUNTS],
    }


@pytest.mark.parametrize("zone", ["Asia/Phnom_Penh", "America/St_Johns"])
def test_the_script_writes_as_the_service_does(browser: Browser, tmp_path: Path, zone: str) -> None:
    for code in LANGUAGES[2:]:
        (tmp_path / f"{code}.toml").write_text("")
    assets = load_assets(str(tmp_path), zone)
    source = "".join((SCRIPT / f"{name}.js").read_text("utf-8") for name in ("service", "words"))
    asked: dict[str, Any] = {
        "source": source.replace("import.meta.url", '"https://paywall.example/web/1/paywall.js"'),
        "now": int(MIDNIGHT.timestamp() * 1000),
        "amounts": [{"amount": amount, "currency": currency} for amount, currency in AMOUNTS],
        "ends": [end.isoformat() for end in ENDS],
        "counts": COUNTS,
    }
    page = browser.new_page(locale="en")
    for code in LANGUAGES:
        texts = msgspec.json.decode(assets.words[code].plain.content)
        written = page.evaluate(WRITE, {**asked, "texts": texts})
        expected = written_by_service(assets.languages.choose([code]))
        for name, values in expected.items():
            differing = [
                pair for pair in zip(written[name], values, strict=True) if len({*pair}) > 1
            ]
            assert differing == [], (code, name)
    page.close()
