"""All words in both languages on one sheet, for a reviewer who is no programmer.

`make words` writes `words-sheet.csv`: the texts for readers, and those of the plug-in for
WordPress.
"""

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from babel.messages.pofile import read_po

from paywall.web.theme import Word, placeholders

ROOT = Path(__file__).parents[2]
WEB = ROOT / "paywall" / "web"
PLUGIN = ROOT / "paywall" / "wordpress" / "plugin" / "languages" / "paywall-km.po"
FILE = ROOT / "words-sheet.csv"
ENGLISH, KHMER = "en", "km"
# Without it, spreadsheets read UTF-8 as another encoding.
BYTE_ORDER_MARK = "\ufeff"
# Spreadsheets run a cell that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
READERS, WORDPRESS = "for readers", "plug-in for WordPress"


class Row(NamedTuple):
    """One text, or one of its plural forms. The last two columns are for the reviewer."""

    part: str
    section: str
    name: str
    form: str
    english: str
    khmer: str
    placeholders: str
    used_in: str
    better_khmer: str = ""
    remark: str = ""


def rows() -> Iterator[Row]:
    """All texts, in the order of their files."""
    yield from _words_of_readers()
    yield from _words_of_plugin()


def sheet() -> str:
    """The rows as CSV, to be opened in a spreadsheet."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(name.replace("_", " ") for name in Row._fields)
    lines.writerows([neutralised(cell) for cell in row] for row in rows())
    return BYTE_ORDER_MARK + written.getvalue()


def neutralised(cell: str) -> str:
    """With an apostrophe in front of what a spreadsheet would run."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _words_of_readers() -> Iterator[Row]:
    english, khmer = (_catalogue(code) for code in (ENGLISH, KHMER))
    sections = _sections(ENGLISH)
    sources = {
        str(path.relative_to(WEB)): path.read_text("utf-8")
        for folder, ending in (("script", "js"), ("pages", "py"), ("templates", "html"))
        for path in sorted((WEB / folder).glob(f"*.{ending}"))
    }
    for name, word in english.items():
        # Some names are put together from a family and a value, such as `status_${value}`.
        family = name.partition("_")[0]
        quoted = re.compile(rf"""["']{name}["']|[`"']{family}_(?:\$?\{{|" ~)""")
        used_in = ", ".join(path for path, text in sources.items() if quoted.search(text))
        filled = ", ".join(sorted(placeholders(word)))
        forms, other = _forms(word), _forms(khmer[name])
        for form in {**forms, **other}:
            texts = (forms.get(form, ""), other.get(form, ""))
            yield Row(READERS, sections[name], name, form, *texts, filled, used_in)


def _words_of_plugin() -> Iterator[Row]:
    with PLUGIN.open("rb") as file:
        catalogue = read_po(file, locale=KHMER)
    for message in catalogue:
        if not message.id:
            continue
        english, khmer = _texts(message.id), _texts(message.string)
        remark = " ".join(message.auto_comments)
        for number, text in enumerate(english):
            other = khmer[number] if number < len(khmer) else ""
            form = ("one", "other")[number] if len(english) > 1 else ""
            filled = ", ".join(re.findall(r"%(?:\d\$)?[sd]", text))
            section = message.context or remark
            yield Row(WORDPRESS, section, english[0], form, text, other, filled, "")


def _texts(of_message: str | Sequence[str] | None) -> list[str]:
    """One text, or one for each plural form."""
    return [of_message] if isinstance(of_message, str) else list(of_message or [])


def _catalogue(code: str) -> dict[str, Word]:
    return tomllib.loads((WEB / "words" / f"{code}.toml").read_text("utf-8"))


def _sections(code: str) -> dict[str, str]:
    """The comment above each text."""
    found, section = {}, ""
    for line in (WEB / "words" / f"{code}.toml").read_text("utf-8").splitlines():
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif name := re.match(r"(\w+) =", line):
            found[name[1]] = section
    return found


def _forms(word: Word) -> dict[str, str]:
    return {"": word} if isinstance(word, str) else dict(word)


if __name__ == "__main__":
    FILE.write_text(sheet(), encoding="utf-8", newline="")
