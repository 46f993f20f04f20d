"""Texts for readers, with numbers, dates and money formatted for their language."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from babel import Locale
from babel.dates import get_timezone
from babel.numbers import format_decimal

from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.enums import ProductKind
from paywall.rules.money import format_money
from paywall.web.theme import DEFAULT, PLACEHOLDER, Theme, Titles, Word, Words

NO_BREAK_SPACE = "\u00a0"
# Khmer has no spaces between words, so the one after a number would be where a line is broken.
NUMBER_AND_NOUN = re.compile(r"(\d|\{(?:count|limit)\}) (?=[\u1780-\u17b3])")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
# The least that RFC 5646 §4.4.1 asks for; no language that there are words in needs more.
LANGUAGE_TAG_CHARS_MAX = 35
LANGUAGE_TAGS_MAX = 10
# Python's calendar ends at these, also where a time zone is already a day further.
FIRST_SHOWN, LAST_SHOWN = datetime(1, 1, 2, tzinfo=UTC), FAR_FUTURE

# The hour of a beginning or an end matters to readers if it is this near.
NEAR = timedelta(hours=48)
# From an end to the last instant before it; browsers count milliseconds.
LAST = timedelta(milliseconds=1)
# Plain English is read in many countries, most of which write the day first.
DATE_LOCALES = {"en": Locale("en", "GB")}
# Scripts without spaces between words: a space inside a date would look like the end of a phrase,
# and be where the line is broken.
UNSPACED = frozenset({"km", "lo", "my", "th"})
# The fields of a long date, and text in quotes.
DATE_FIELDS = re.compile(r"'([^']+)'|dd?|M+|y")
DATE_NAMES = {
    **dict.fromkeys(("d", "dd"), "{day}"),
    **dict.fromkeys(("MMM", "MMMM"), "{month}"),
    "M": "{number}",
    "y": "{year}",
}


class Language(NamedTuple):
    """One catalogue of words; `code` is its BCP 47 tag.

    `titles` are the site's own names of what is for sale: the catalogue has one for all languages.
    """

    code: str
    words: Words
    titles: Titles
    zone: str

    @property
    def locale(self) -> Locale:
        return Locale.parse(self.code, sep="-")

    @property
    def name(self) -> str:
        """As those who speak it call it."""
        return self.locale.get_display_name() or self.code

    @property
    def months(self) -> list[str]:
        """Their names, January first."""
        return [self.locale.months["format"]["wide"][number] for number in range(1, 13)]

    def translate(self, name: str, **values: str | int) -> str:
        """The word with its placeholders filled in; numbers are written as the language does."""
        word = self.words[name]
        if not isinstance(word, str):
            count = int(values["count"])
            word = word.get(str(count)) or word.get(self.locale.plural_form(count), word["other"])
        return PLACEHOLDER.sub(lambda match: self._written(values[match[1]]), word)

    def title(self, kind: ProductKind, product_id: str) -> str | None:
        """What the site calls this product in this language, if anything of its own."""
        return self.titles.get(kind, {}).get(product_id)

    def day(self, at: datetime) -> str:
        """The day alone, in the site's time zone."""
        there = self._there(at)
        parts = {"day": there.day, "month": self.months[there.month - 1]}
        parts |= {"number": there.month, "year": there.year}
        return PLACEHOLDER.sub(lambda match: str(parts[match[1]]), self.date_pattern)

    def moment(self, at: datetime) -> str:
        """The day, the time and its offset, in the site's zone."""
        there = self._there(at)
        minutes = int((there.utcoffset() or timedelta()).total_seconds()) // 60
        hours, rest = divmod(abs(minutes), 60)
        offset = f"{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"
        zone = f"{self.gmt}{offset if minutes else ''}".strip()
        return self.translate("moment", day=self.day(at), time=f"{there:%H:%M} {zone}")

    def start(self, at: datetime, now: datetime) -> str:
        """When something begins: the day, or the moment if that is less than two days away."""
        return self.moment(at) if abs(at - now) < NEAR else self.day(at)

    def end(self, at: datetime, now: datetime) -> str:
        """Until when something lasts: its last day, or the moment if that is near.

        Times are half-open, so what ends at midnight lasts until the day before.
        """
        return self.moment(at) if abs(at - now) < NEAR else self.day(max(at, FIRST_SHOWN) - LAST)

    @property
    def date_pattern(self) -> str:
        """A day as the language writes it (CLDR), such as `{day} {month} {year}`."""
        locale = DATE_LOCALES.get(self.code, self.locale)
        pattern = str(locale.date_formats["long"].pattern).replace(" G", "")
        if locale.language in UNSPACED:
            pattern = pattern.replace(" ", NO_BREAK_SPACE)
        return DATE_FIELDS.sub(lambda match: match[1] or DATE_NAMES[match[0]], pattern)

    def _there(self, at: datetime) -> datetime:
        """In the site's time zone; "for ever" may be the last second of the year 9999."""
        shown = max(FIRST_SHOWN, min(at, LAST_SHOWN))
        return shown.astimezone(get_timezone(self.zone))

    @property
    def gmt(self) -> str:
        """What stands before a zone's offset."""
        return str(self.locale.zone_formats["gmt"]).replace("%s", "")

    def money(self, amount: int, currency: str, *, is_exact: bool = False) -> str:
        """An amount in the currency's smallest unit; zero decimals are shown if `is_exact`."""
        # The words name some currencies in their own way.
        named = str(self.words.get(f"currency_{currency.lower()}", ""))
        return format_money(amount, currency, self.locale, named, is_exact=is_exact)

    def _written(self, value: str | int) -> str:
        return value if isinstance(value, str) else format_decimal(value, locale=self.locale)


class Languages(NamedTuple):
    """Every language that there are words in."""

    by_code: Mapping[str, Language]

    def choose_for(self, preferred: str, accept_language: str) -> Language:
        """What the site said of the reader, else what the browser accepts."""
        return self.choose([*([preferred] if preferred else []), *accepted(accept_language)])

    def choose(self, preferred: Iterable[str]) -> Language:
        """The first preferred language that there is (RFC 4647 §3.4, lookup); else English.

        Of LANGUAGE_TAGS_MAX tags; one that is too long is passed over, since lookup takes quadratic
        time.
        """
        for tag in islice(preferred, LANGUAGE_TAGS_MAX):
            if not is_language_tag(tag):
                continue
            parts = tag.replace("_", "-").split("-")
            for length in range(len(parts), 0, -1):
                if found := self.by_code.get("-".join(parts[:length]).lower()):
                    return found
        return self.by_code[DEFAULT]


def load_languages(theme: Theme, zone: str) -> Languages:
    """Every language that the theme has words in."""
    return Languages(
        {
            code.lower(): Language(
                code,
                MappingProxyType({name: _joined(word) for name, word in words.items()}),
                MappingProxyType(theme.titles[code]),
                zone,
            )
            for code, words in theme.words.items()
        }
    )


def join_numbers(text: str) -> str:
    """Keep a number and its Khmer noun on one line."""
    return NUMBER_AND_NOUN.sub("\\1\u00a0", text)


def _joined(word: Word) -> Word:
    if isinstance(word, str):
        return join_numbers(word)
    return {form: join_numbers(text) for form, text in word.items()}


def is_language_tag(text: str) -> bool:
    return len(text) <= LANGUAGE_TAG_CHARS_MAX and LANGUAGE_TAG.fullmatch(text) is not None


def accepted(header: str) -> list[str]:
    """The tags of an Accept-Language header, the best first (RFC 9110 §12.5.4).

    Of its first LANGUAGE_TAGS_MAX; browsers send about five.
    """
    found = []
    parts = header.split(",", LANGUAGE_TAGS_MAX)[:LANGUAGE_TAGS_MAX]
    for number, part in enumerate(parts):
        tag, _, quality = part.strip().partition(";q=")
        if is_language_tag(tag.strip()):
            weight = float(quality) if re.fullmatch(r"[01](\.\d{1,3})?", quality) else 1.0
            found.append((-weight, number, tag.strip()))
    return [tag for weight, _, tag in sorted(found) if weight < 0]
