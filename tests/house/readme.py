"""The README's tables, made from the code; `make readme` writes them, and the story's answers."""

import types
import typing
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Meta

from paywall import problems
from paywall.settings import Settings
from tests.processes import playing
from tests.story import answers, retold, typed

README = Path(__file__).parents[2] / "README.md"
Row = Sequence[str]


def rewritten(text: str) -> str:
    """The README with today's tables between their markers."""
    for name, rows in {"settings": settings_rows(), "problems": problem_rows()}.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _old, end, after = rest.partition(f"<!-- /{name} -->\n")
        if not (begin and end):
            raise ValueError(f"The README has no markers <!-- {name} --> and <!-- /{name} -->.")
        text = f"{before}{begin}{_table(rows)}{end}{after}"
    return text


def settings_rows() -> list[Row]:
    rows: list[Row] = [("Setting", "Default", "What it is")]
    for field in msgspec.structs.fields(Settings):
        kind, description = _told(field.type)
        what = f"{description} {kind}".strip()
        rows.append((f"`{field.name}`", _default(field), what))
    return rows


def problem_rows() -> list[Row]:
    rows: list[Row] = [("Code", "Status", "What it says", "What to do")]
    rows += [(f"`{p.code}`", str(int(p.status)), p.title, p.mend) for p in problems.ALL]
    return rows


def _told(kind: object) -> tuple[str, str]:
    """The values that a setting takes, and what its description says."""
    description = ""
    limits: list[str] = []
    for part in _parts(kind):
        if isinstance(part, Meta):
            description = part.description or description
            if part.ge is not None and part.le is not None:
                limits.append(f"From {part.ge} to {part.le}.")
        elif isinstance(part, type) and issubclass(part, StrEnum):
            limits.append(f"One of {', '.join(f'`{member}`' for member in part)}.")
    return " ".join(limits), description


def _parts(kind: object) -> list[object]:
    """A type and everything that it is made of."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is not None:
        return [part for inner in typing.get_args(kind) for part in _parts(inner)]
    return [kind]


def _default(field: msgspec.structs.FieldInfo) -> str:
    default = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory()
    return "none" if default in (None, "", []) else f"`{default}`"


def _table(rows: Sequence[Row]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _with_answers(text: str) -> str:
    with TemporaryDirectory() as folder, playing(Path(folder)) as sandbox:
        return retold(text, answers(sandbox, typed(text)))


if __name__ == "__main__":
    today = _with_answers(rewritten(README.read_text(encoding="utf-8")))
    README.write_text(today, encoding="utf-8")
