"""The words: complete in both languages, none missing or unused, the site's own over them."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

from paywall.rules.enums import (
    CancelReason,
    EntryKind,
    GrantSource,
    Interval,
    Processor,
    ProductKind,
    SubscriptionKind,
)
from paywall.settings import SettingsError
from paywall.web.language import accepted, load_languages
from paywall.web.theme import load_theme, placeholders

WEB = Path(__file__).parents[2] / "paywall" / "web"
ZONE = "Asia/Phnom_Penh"
# Words whose names are put together from a value: each value has to have one.
FAMILIES: dict[str, list[str]] = {
    "price": list(Interval),
    "every": list(Interval),
    "entry": list(EntryKind),
    "kind": list(SubscriptionKind),
    "type": ["card"],
    "currency": ["khr"],
    "brand": "amex diners discover eftpos_au jcb link mastercard unionpay unknown visa".split(),
    "from": list(GrantSource),
    "why": list(CancelReason),
    "withdraw": ["credits", "articles"],
    "pay": list(Processor),
}
AMOUNTS = ((200, "usd"), (400000, "khr"), (200, "jpy"), (2000, "lak"))


def catalogue(code: str) -> dict[str, Any]:
    return tomllib.loads((WEB / "words" / f"{code}.toml").read_text(encoding="utf-8"))


def sources() -> str:
    """All that says words: the script, and the pages."""
    files = [
        *(WEB / "script").glob("*.js"),
        *(WEB / "pages").glob("*.py"),
        *(WEB / "templates").glob("*.html"),
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def said(text: str) -> set[str]:
    """The names in quotes, and the families of names that are put together."""
    names = set(re.findall(r"""["'](\w+)["']""", text))
    for family in re.findall(r"""[`"](\w+)_(?:\$?\{|" ~)""", text):
        names |= {f"{family}_{value}" for value in FAMILIES.get(family, [])}
        if family == "status":
            names |= {name for name in catalogue("en") if name.startswith("status_")}
    return names


def test_both_languages_have_every_word_with_the_same_placeholders() -> None:
    english, khmer = catalogue("en"), catalogue("km")
    assert english.keys() == khmer.keys()
    for name, word in english.items():
        assert placeholders(word) == placeholders(khmer[name]), name
        assert isinstance(word, str) == isinstance(khmer[name], str), name


@pytest.mark.parametrize("code", ["en", "km"])
def test_a_word_that_counts_has_exactly_the_plurals_of_its_language(code: str) -> None:
    plurals = {"other", *Locale.parse(code).plural_form.rules}
    counting = {name for name, word in catalogue(code).items() if not isinstance(word, str)}
    assert counting
    for name, word in catalogue(code).items():
        assert isinstance(word, str) or word.keys() - {"1"} == plurals, name


def test_no_word_is_missing() -> None:
    asked = set(re.findall(r"""\b(?:say|t|translate)\(\s*["'](\w+)["']\s*[,)]""", sources()))
    families = {f"{family}_{value}" for family, values in FAMILIES.items() for value in values}
    assert (asked | families) - catalogue("en").keys() == set()


def test_no_word_is_unused() -> None:
    assert catalogue("en").keys() - said(sources()) == set()


def test_a_missing_and_an_unused_word_would_be_seen() -> None:
    assert "nonsense" in said('say("nonsense")')
    assert "unlock" not in said("unlock()")


def test_numbers_dates_and_money_are_written_as_the_language_does() -> None:
    languages = load_languages(load_theme(""), ZONE)
    english, khmer = languages.choose(["en"]), languages.choose(["km"])
    at = datetime(2026, 12, 24, 20, 30, tzinfo=UTC)
    assert english.translate("credits", count=1) == "1 credit"
    assert english.translate("credits", count=1200) == "1,200 credits"
    assert khmer.translate("credits", count=1) == "1\u00a0ក្រេឌីត"
    assert "14\u00a0ថ្ងៃ" in khmer.translate("withdrawal_pending", price="$4")
    assert english.day(at) == "25 December 2026"
    # On one line.
    assert khmer.day(at) == "25\u00a0ធ្នូ\u00a02026"
    assert khmer.money(400000, "khr") == "៛\u00a04,000"
    assert english.money(400000, "khr") == "4,000\u00a0riel"
    assert english.money(500, "cad") == "CA$5"
    assert english.moment(at) == "25 December 2026, 03:30 GMT+7"
    assert re.search("[A-Za-z]", khmer.moment(at)) is None
    assert english.money(450, "usd") == "$4.50"
    assert english.money(400, "usd") == "$4"
    assert english.money(500, "jpy") == "¥500"
    assert english.money(500, "khr") == "5\u00a0riel"
    # On receipts.
    exact = [english.money(amount, code, is_exact=True) for amount, code in AMOUNTS]
    assert exact == ["$2.00", "4,000\u00a0riel", "¥200", "LAK\u00a020"]


@pytest.mark.parametrize(
    ("end", "now", "shown"),
    [
        ("2027-03-03T18:00", "2027-01-01", "4 March 2027"),
        # At midnight in Phnom Penh the day before is over, and so is what ends then.
        ("2027-03-03T17:00", "2027-01-01", "3 March 2027"),
        ("2027-03-03T17:00:00.001", "2027-01-01", "4 March 2027"),
        ("2027-03-03T17:00", "2027-03-01T17:00", "3 March 2027"),
        ("2027-03-03T17:00", "2027-03-01T17:00:01", "4 March 2027, 00:00 GMT+7"),
        ("2027-03-03T18:00", "2027-03-05T17:59:59", "4 March 2027, 01:00 GMT+7"),
        ("2027-03-03T18:00", "2027-03-05T18:00", "4 March 2027"),
        ("0001-01-01T00:00", "2027-03-05T18:00", "2 January 1"),
        ("9999-12-31T23:59", "2027-03-05T18:00", "31 December 9999"),
    ],
)
def test_an_end_is_a_day_unless_it_is_near(end: str, now: str, shown: str) -> None:
    english = load_languages(load_theme(""), ZONE).choose(["en"])
    at, now_ = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (end, now))
    assert english.end(at, now_) == shown


def test_a_beginning_at_midnight_is_that_day_and_near_it_the_hour() -> None:
    english = load_languages(load_theme(""), ZONE).choose(["en"])
    at = datetime(2027, 3, 3, 17, tzinfo=UTC)
    assert english.start(at, at - timedelta(hours=48)) == "4 March 2027"
    assert english.start(at, at - timedelta(hours=47)) == "4 March 2027, 00:00 GMT+7"


@pytest.mark.parametrize(
    ("code", "pattern"),
    [
        ("en", "{day} {month} {year}"),
        ("en-US", "{month} {day}, {year}"),
        ("es", "{day} de {month} de {year}"),
        ("ja", "{year}年{number}月{day}日"),
        ("th", "{day}\u00a0{month}\u00a0{year}"),
        ("ga", "{day} {month} {year}"),
    ],
)
def test_a_day_is_written_as_the_language_does(code: str, pattern: str, tmp_path: Path) -> None:
    (tmp_path / f"{code}.toml").write_text("")
    language = load_languages(load_theme(str(tmp_path)), ZONE).choose([code])
    assert (language.code, language.date_pattern) == (code, pattern)


def test_the_first_language_that_there_is_is_spoken() -> None:
    languages = load_languages(load_theme(""), ZONE)
    assert languages.choose(["fr", "km-KH", "en"]).code == "km"
    assert languages.choose(["fr"]).code == "en"
    assert accepted("fr;q=0.2, km-KH, en;q=0.9, *;q=0.1, de;q=0") == ["km-KH", "en", "fr"]


@pytest.mark.parametrize("zone", [ZONE, "America/New_York"])
def test_the_ends_of_the_calendar_are_written_in_every_time_zone(zone: str) -> None:
    english = load_languages(load_theme(""), zone).choose(["en"])
    for_ever, never = (datetime.fromisoformat(f"{day}Z") for day in (
        "9999-12-31T23:59:59", "0001-01-01T00:00:00",
    ))  # fmt: skip
    assert "9999" in english.moment(for_ever)
    assert english.day(never).endswith("January 1")


def test_a_site_puts_its_own_words_and_languages_over_ours(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('unlock = "Open it"\n')
    (tmp_path / "fr.toml").write_text('unlock = "Ouvrir"\n[pack]\nfive = "Cinq"\n')
    languages = load_languages(load_theme(str(tmp_path)), ZONE)
    assert languages.choose(["en"]).translate("unlock") == "Open it"
    assert languages.choose(["fr"]).translate("unlock") == "Ouvrir"
    assert languages.choose(["fr"]).translate("not_now") == "Not now"
    assert languages.choose(["fr"]).title(ProductKind.PACK, "five") == "Cinq"
    assert languages.choose(["km"]).translate("unlock") == "ដោះសោ"
    assert languages.choose(["km"]).title(ProductKind.PACK, "five") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("en.toml", 'nonsense = "x"'),
        ("en.toml", 'unlock_cost = "It costs {price}."'),
        ("en.toml", 'credits = { one = "{count} credit" }'),
        ("en.toml", "unlock = 1"),
        ("en.toml", "not toml"),
        ("en.toml", 'plan = "A month"'),
        ("en.toml", "[pack]\nfive = 5"),
        ("en.toml", '[pass]\nweek = ""'),
        ("nonsense-language.toml", 'unlock = "x"'),
    ],
)
def test_a_wrong_word_of_the_site_is_named(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=f"theme_dir: .*{re.escape(name)}"):
        load_languages(load_theme(str(tmp_path)), ZONE)
