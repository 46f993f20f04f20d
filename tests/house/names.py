"""Rules for names: standard terms only, and one class for each name.

A rule gets a file and yields (line, what is wrong), as in tests/house/rules.py.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import PurePosixPath

from tests.house.rules import Finding, Source

TEST_NAME_LENGTH_MAX = 70
# Names that standard terms replaced. They are old wherever this project defines them.
OLD_NAMES = frozenset(
    """
    Asked Beside Counter Desk Done Each Estate Hint Holding Kind Line Seen Shape Taking Waiting
    Wish Writer as_kept as_told asking be_patient converge deliver each give_out_only_what_is_free
    glance inscribe keep_house lay_passes mend needed restate shelf speak taken_back takings tell
    told told_in_a_sentence
    """.split()
)
# Common words, which are old only as the name of a function or of a module.
OLD_FUNCTIONS = frozenset({"look", "say", "settle", "tidy"})
OLD_FUNCTION_PREFIXES = ("look_", "say_", "tell_")
OLD_CLASS_SUFFIXES = ("Seen",)
OLD_MODULES = frozenset(
    "asking closing ending lines listing parts sell settlement standing words".split()
)
# The name of a column in the database.
COLUMNS = frozenset({"taken_back"})


def names_are_standard_terms(source: Source) -> Iterator[Finding]:
    if source.path.stem in OLD_MODULES:
        yield 1, f"the module name {source.path.stem} is an old name"
    columns = {id(target) for target in _columns(source.nodes)}
    for node in source.nodes:
        for name in _defined_by(node):
            if _is_old(node, name.lstrip("_")) and id(node) not in columns:
                yield getattr(node, "lineno", 1), f"{name} is an old name: use the standard term"


def _is_old(node: ast.AST, name: str) -> bool:
    if name in OLD_NAMES:
        return True
    if isinstance(node, ast.ClassDef):
        return name.endswith(OLD_CLASS_SUFFIXES)
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return is_function and (name in OLD_FUNCTIONS or name.startswith(OLD_FUNCTION_PREFIXES))


def _columns(nodes: Iterable[ast.AST]) -> Iterator[ast.Name]:
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield from [field.target] if field.target.id in COLUMNS else []


def _defined_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.Attribute(attr=name, ctx=ast.Store()) if name not in COLUMNS:
            yield name
        case ast.arg(arg=name) | ast.alias(asname=str(name)):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case _:
            pass


def promises_are_short(source: Source) -> Iterator[Finding]:
    for function in source.functions:
        if function.name.startswith("test_") and len(function.name) > TEST_NAME_LENGTH_MAX:
            length = len(function.name)
            yield function.lineno, f"a name of {length} characters; at most {TEST_NAME_LENGTH_MAX}"


def comments_stand_above_constants(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        body = getattr(node, "body", None)
        if isinstance(body, list):
            for statement, following in pairwise(body):
                is_assignment = isinstance(statement, ast.Assign | ast.AnnAssign)
                if is_assignment and _is_text(following):
                    yield following.lineno, "a string under an assignment: write a comment above it"


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case _:
            return False


RULES = (names_are_standard_terms, promises_are_short, comments_stand_above_constants)


def shared_class_names(sources: Iterable[Source]) -> dict[str, list[PurePosixPath]]:
    """Public classes of the package that share their name, with the files that define them."""
    files: defaultdict[str, list[PurePosixPath]] = defaultdict(list)
    for source in sources:
        if source.path.parts[0] == "paywall":
            for node in source.nodes:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    files[node.name].append(source.path)
    return {name: paths for name, paths in files.items() if len(paths) > 1}
