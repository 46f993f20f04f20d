"""The newspaper's texts and its formats for dates and money, in each of its languages."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import negotiate_locale
from babel.dates import format_date, format_skeleton

from paywall.web.language import join_numbers, load_languages
from paywall.web.theme import load_theme

# Each language by its own name; the first one is the default.
LANGUAGES = {"en": "English", "km": "ខ្មែរ"}

# The newspaper's time zone, in which a reader's month begins.
ZONE = "Asia/Phnom_Penh"

# The newspaper's name and the names of its products, which the service's own pages use as well.
THEME_DIR = Path(__file__).parent / "theme"

THEME: dict[str, dict[str, Any]] = {
    language: tomllib.loads((THEME_DIR / f"{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}

# Dates and amounts are formatted as on the service's own pages.
SERVICE_LANGUAGES = load_languages(load_theme(str(THEME_DIR)), ZONE)

TEXTS: dict[str, dict[str, str]] = tomllib.loads(
    files("paywall.sandbox.site").joinpath("texts.toml").read_text("utf-8")
)


class NewspaperTranslator(NamedTuple):
    """The newspaper's texts, dates and amounts in one language. All of it is plain text."""

    language: str

    def translate(self, name: str, **values: object) -> str:
        return join_numbers(TEXTS[name][self.language].format(**values))

    @property
    def site_name(self) -> str:
        return str(THEME[self.language]["site_name"])

    def product_name(self, kind: str, product: Mapping[str, Any]) -> str:
        """Its name in this language, or its title where it has no translated name."""
        names: dict[str, str] = THEME[self.language].get(kind, {})
        return names.get(product["id"], str(product["title"]))

    def credits(self, count: int) -> str:
        if count == 1:
            return self.translate("one_credit")
        return self.translate("some_credits", count=count)

    def days(self, count: int) -> str:
        return self.translate("one_day") if count == 1 else self.translate("some_days", count=count)

    def format_money(self, amount: int, currency: str) -> str:
        """An amount in the currency's smallest unit."""
        return SERVICE_LANGUAGES.choose([self.language]).money(amount, currency)

    def format_day(self, at: datetime) -> str:
        return SERVICE_LANGUAGES.choose([self.language]).day(at)

    def format_month(self, at: datetime) -> str:
        return format_skeleton("yMMMM", at.astimezone(ZoneInfo(ZONE)), locale=self.language)

    def format_weekday(self, at: datetime) -> str:
        """The date with the day of the week."""
        weekday = format_date(at.astimezone(ZoneInfo(ZONE)), "EEEE", locale=self.language)
        return f"{weekday} {self.format_day(at)}"


def choose_translator(preferred: Iterable[str]) -> NewspaperTranslator:
    """For the first preferred language that the newspaper has, else the default."""
    found = negotiate_locale([tag.lower() for tag in preferred], LANGUAGES, sep="-")
    return NewspaperTranslator(found or next(iter(LANGUAGES)))
