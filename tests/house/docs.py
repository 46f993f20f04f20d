"""The generated parts of the documentation; `make docs` writes them.

Tables between markers such as `<!-- settings -->` come from the code, answers between
`<!-- story -->` markers from a sandbox that runs the commands before them.
"""

import types
import typing
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Meta

from paywall import problems
from paywall.settings import Settings
from paywall.tokens.caller import TokenKind
from paywall.tokens.scopes import SCOPES
from tests.contract.file import todays
from tests.processes import playing
from tests.story import STORY, run_story, with_answers

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
Row = Sequence[str]


def pages() -> list[Path]:
    """Every page on the service: the README, the security policy, and all below docs/."""
    return [README, ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def story_pages() -> list[Path]:
    return [page for page in pages() if STORY in page.read_text(encoding="utf-8")]


def with_tables(text: str) -> str:
    """The page with the tables that it has markers for, made from the code."""
    for name, rows in TABLES.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _old, end, after = rest.partition(f"<!-- /{name} -->\n")
        if begin and end:
            text = f"{before}{begin}{_table(rows())}{end}{after}"
    return text


def settings_rows() -> list[Row]:
    rows: list[Row] = [("Setting", "Default", "Meaning")]
    for field in msgspec.structs.fields(Settings):
        limits, description = _limits_and_description(field.type)
        rows.append((f"`{field.name}`", _default(field), f"{description} {limits}".strip()))
    return rows


def problem_rows() -> list[Row]:
    rows: list[Row] = [("Code", "Status", "Title", "What to do")]
    rows += [(f"`{p.code}`", str(int(p.status)), p.title, p.remedy) for p in problems.ALL]
    return rows


def scope_rows() -> list[Row]:
    calls: dict[str, list[str]] = {scope: [] for scope in SCOPES}
    for path, methods in todays()["paths"].items():
        for method, operation in methods.items():
            for requirement in operation["security"]:
                for scope in requirement.get(TokenKind.SITE, requirement.get("proxy", [])):
                    calls[scope].append(f"`{method.upper()} {path}`")
    rows: list[Row] = [("Scope", "What it allows", "Requests")]
    rows += [(f"`{scope}`", may, ", ".join(calls[scope])) for scope, may in SCOPES.items()]
    return rows


TABLES: dict[str, Callable[[], list[Row]]] = {
    "settings": settings_rows,
    "problems": problem_rows,
    "scopes": scope_rows,
}


def _limits_and_description(annotation: object) -> tuple[str, str]:
    description = ""
    limits: list[str] = []
    for part in _type_parts(annotation):
        if isinstance(part, Meta):
            description = part.description or description
            if part.ge is not None and part.le is not None:
                limits.append(f"From {part.ge} to {part.le}.")
        elif isinstance(part, type) and issubclass(part, StrEnum):
            limits.append(f"One of {', '.join(f'`{member}`' for member in part)}.")
    return " ".join(limits), description


def _type_parts(annotation: object) -> list[object]:
    """The members of a union or an annotated type, flattened."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [part for inner in typing.get_args(annotation) for part in _type_parts(inner)]
    return [annotation]


def _default(field: msgspec.structs.FieldInfo) -> str:
    default = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory()
    return "none" if default in (None, "", []) else f"`{default}`"


def _table(rows: Sequence[Row]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _with_recorded_answers(text: str) -> str:
    """The page as a new sandbox answers its story."""
    if STORY not in text:
        return text
    with TemporaryDirectory() as folder, playing(Path(folder)) as sandbox:
        return with_answers(text, run_story(sandbox, text))


if __name__ == "__main__":
    for path in pages():
        text = path.read_text(encoding="utf-8")
        path.write_text(_with_recorded_answers(with_tables(text)), encoding="utf-8")
