"""The plug-in's strings: its template (.pot), and what each translation lacks.

`python -m tests.sites.wordpress.translations` writes the template anew and merges it into the
translations; then translate what is empty in them.
"""

import re
import subprocess
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tests.sites.packages import program

PLUGIN = Path(__file__).parents[3] / "paywall" / "wordpress" / "plugin"
LANGUAGES = PLUGIN / "languages"
TEMPLATE = LANGUAGES / "paywall.pot"
KEYWORDS = (
    "__ _e esc_html__ esc_attr__ esc_html_e esc_attr_e _x:1,2c esc_html_x:1,2c _n:1,2 _nx:1,2,4c"
).split()
# What the program leaves open in the header.
HEADER = {
    "charset=CHARSET": "charset=UTF-8",
    "nplurals=INTEGER; plural=EXPRESSION": "nplurals=2; plural=(n != 1)",
}
PLACEHOLDER = re.compile(r"%(?:\d+\$)?[sd]")


def extract() -> str:
    """The template, made of every PHP file of the plug-in; the same sources give the same text."""
    files = sorted(path.relative_to(PLUGIN).as_posix() for path in PLUGIN.rglob("*.php"))
    ran = subprocess.run(
        [
            program("xgettext") or "xgettext", "--language=PHP", "--from-code=UTF-8",
            "--add-comments=translators", "--no-location", "--no-wrap", "--output=-",
            "--package-name=Paywall", "--keyword", *(f"--keyword={word}" for word in KEYWORDS),
            *files,
        ],
        cwd=PLUGIN, check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if not line.startswith('"POT-Creation-Date')]
    header = lines.index('msgid ""')
    text = "\n".join(lines[header:]) + "\n"
    for placeholder, value in HEADER.items():
        text = text.replace(placeholder, value)
    return text


def translations() -> list[Path]:
    return sorted(LANGUAGES.glob("*.po"))


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def messages(path: Path) -> dict[str, Message]:
    """The messages of a file by their first text, without the header."""
    return {_first(message.id): message for message in read(path) if message.id}


def texts(message: Message) -> list[str]:
    """Its translations: one, or one for each plural form."""
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


def _first(id_: str | tuple[str, ...] | list[str]) -> str:
    return id_ if isinstance(id_, str) else id_[0]


def main() -> None:
    TEMPLATE.write_text(extract(), encoding="utf-8")
    for path in translations():
        subprocess.run(
            [program("msgmerge") or "msgmerge", "--quiet", "--update", "--backup=none",
             "--no-fuzzy-matching", "--no-wrap", str(path), str(TEMPLATE)],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
