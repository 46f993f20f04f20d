"""The newspaper's own words, and its dates, in each of its languages."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.dates import format_date

from paywall.rules.money import money_with_sign

LANGUAGES = {"en": "English", "km": "ខ្មែរ"}
"""What the newspaper is read in, each called by its own name; the first is for everybody else."""

ZONE = "Asia/Phnom_Penh"
"""Where the newspaper is made, and its readers' month begins."""

THEME_DIR = Path(__file__).parent / "theme"
"""The newspaper's name, and what it sells, as the service's own pages and parts call them, too."""

THEME: dict[str, dict[str, Any]] = {
    language: tomllib.loads((THEME_DIR / f"{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}

TEXTS: dict[str, dict[str, str]] = tomllib.loads(
    files("paywall.sandbox.site").joinpath("words.toml").read_text("utf-8")
)


class NewspaperTranslator(NamedTuple):
    """What the newspaper says in this language."""

    language: str

    def translate(self, name: str, **values: object) -> str:
        """The word, for a page: nothing in it needs escaping unless a value does."""
        return TEXTS[name][self.language].format(**values)

    @property
    def name(self) -> str:
        """The newspaper's."""
        return str(THEME[self.language]["site_name"])

    def product(self, kind: str, product: Mapping[str, Any]) -> str:
        """Its name in this language, escaped; what has none of its own has a title for all."""
        names = THEME[self.language].get(kind, {})
        return escape(names.get(product["id"], product["title"]))

    def credits(self, count: int) -> str:
        return (
            self.translate("one_credit")
            if count == 1
            else self.translate("some_credits", count=count)
        )

    def days(self, count: int) -> str:
        return self.translate("one_day") if count == 1 else self.translate("some_days", count=count)

    def money(self, amount: int, currency: str) -> str:
        """An amount in the currency's smallest unit."""
        return money_with_sign(amount, currency, Locale.parse(self.language))

    def day(self, at: datetime) -> str:
        return format_date(at.astimezone(ZoneInfo(ZONE)), "long", locale=self.language)

    def weekday(self, at: datetime) -> str:
        """The day with its name, as under the title of a newspaper."""
        return format_date(at.astimezone(ZoneInfo(ZONE)), "full", locale=self.language)


def choose_translator(preferred: Iterable[str]) -> NewspaperTranslator:
    """The first preferred language that the newspaper has."""
    found = negotiate_locale([tag.lower() for tag in preferred], LANGUAGES, sep="-")
    return NewspaperTranslator(found or next(iter(LANGUAGES)))
