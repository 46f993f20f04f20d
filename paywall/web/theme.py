"""Texts and colours that readers see: the defaults, overridden by the site's."""

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from babel import Locale, UnknownLocaleError

from paywall.load_settings import read_small_file
from paywall.rules.enums import ProductKind
from paywall.settings import SettingsError

DEFAULT = "en"
PLACEHOLDER = re.compile(r"\{(\w+)\}")

# A text, or one for each plural category of the language (CLDR) or number, chosen by `count`.
Word = str | Mapping[str, str]
Words = Mapping[str, Word]
# What is for sale is called so in one language, by kind and id.
Titles = Mapping[str, Mapping[str, str]]


NOTHING: tuple[Words, Titles] = ({}, {})


class Theme(NamedTuple):
    """Words and titles by the tag of their language; `colours` is CSS of the site's own."""

    words: Mapping[str, Words]
    titles: Mapping[str, Titles]
    colours: bytes


def load_theme(theme_dir: str) -> Theme:
    """Ours, with what is in this folder over it.

    A new language starts from the English, the site's own first. Raises SettingsError for a folder
    that is not there, or a file that cannot be used.
    """
    if theme_dir and not Path(theme_dir).is_dir():
        raise SettingsError(f"theme_dir: {theme_dir!r} is not a folder. Make it, or unset it.")
    ours = {
        Path(entry.name).stem: tomllib.loads(entry.read_text("utf-8"))
        for entry in files("paywall.web").joinpath("words").iterdir()
        if entry.name.endswith(".toml")
    }
    site_words = {path.stem: _read(path, ours[DEFAULT]) for path in _files(theme_dir)}
    theirs = {code: _split(words) for code, words in site_words.items()}
    english = {**ours[DEFAULT], **theirs.get(DEFAULT, NOTHING)[0]}
    codes = ours.keys() | theirs.keys()
    return Theme(
        words={code: {**ours.get(code, english), **theirs.get(code, NOTHING)[0]} for code in codes},
        titles={code: theirs.get(code, NOTHING)[1] for code in codes},
        colours=_colours(theme_dir),
    )


def _files(theme_dir: str) -> list[Path]:
    return sorted(Path(theme_dir).glob("*.toml")) if theme_dir else []


def _colours(theme_dir: str) -> bytes:
    path = Path(theme_dir) / "colours.css"
    if not theme_dir or not path.exists():
        return b""
    try:
        return b"\n" + read_small_file(path)
    except OSError as error:
        raise SettingsError(f"theme_dir: {path} cannot be read: {error}. Mend the file.") from error


def _read(path: Path, known: Words) -> dict[str, Any]:
    try:
        Locale.parse(path.stem, sep="-")
        site_words = tomllib.loads(read_small_file(path).decode("utf-8"))
    except (OSError, ValueError, UnknownLocaleError) as error:
        raise SettingsError(
            f"theme_dir: {path} cannot be read: {error}. Name it after a language, such as"
            " km.toml, and write TOML in UTF-8."
        ) from error
    for name, word in site_words.items():
        if name in list(ProductKind):
            if not _are_titles(word):
                raise SettingsError(
                    f"theme_dir: {path}: [{name}] is a table of titles by the ids of the"
                    ' catalogue, such as monthly = "A month of everything".'
                )
        elif name not in known or not _fits(word, known[name]):
            raise SettingsError(
                f"theme_dir: {path}: {name!r} is not a word of ours, or lacks its plural `other`,"
                " or has a placeholder that we don't fill in. Compare it with"
                " paywall/web/words/en.toml."
            )
    return site_words


def _split(site_words: Mapping[str, Any]) -> tuple[Words, Titles]:
    kinds = list(ProductKind)
    words = {name: word for name, word in site_words.items() if name not in kinds}
    return words, {name: titles for name, titles in site_words.items() if name in kinds}


def _are_titles(titles: object) -> bool:
    return isinstance(titles, dict) and all(
        isinstance(title, str) and title for title in titles.values()
    )


def _fits(word: object, ours: Word) -> bool:
    texts: list[object]
    if isinstance(word, str):
        texts = [word]
    elif isinstance(word, dict) and not isinstance(ours, str) and "other" in word:
        texts = list(word.values())
    else:
        return False
    return all(isinstance(text, str) and placeholders(text) <= placeholders(ours) for text in texts)


def placeholders(word: Word) -> set[str]:
    """What a word leaves to be filled in, in any of its plurals."""
    texts = [word] if isinstance(word, str) else word.values()
    return {name for text in texts for name in PLACEHOLDER.findall(text)}
