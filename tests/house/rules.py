"""What we ask of the code's form. A rule gets a file and yields (line, what is wrong)."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
TRANSACTIONS_OPEN_IN = re.compile(
    r"paywall/(.+/(api|guard)|(cli|imports|server|database|sandbox|web/pages)/.+)\.py|tests/.+"
    # These flows call Stripe between two transactions, and so open both: events, sync, cancel and
    # close_out record what Stripe confirmed; checkout_flow opens and closes pages; intents gives up
    # what failed; catalogue creates prices; reconcile and doctor compare what is recorded; link
    # records a subscription that began elsewhere; withdraw ends billing and returns money.
    r"|paywall/processors/stripe/"
    r"(cancel|catalogue|checkout_flow|close_out|doctor|events|intents|link|reconcile|sync|withdraw)\.py"
    # These ask the bank between two transactions: checkout gets the link of a new code; confirm,
    # close_out and sweeper record what the bank confirmed.
    r"|paywall/processors/bakong/(checkout|close_out|confirm|sweeper)\.py"
)
STATE_HAS_THE_DATABASE_IN = re.compile(r"paywall/(app|tokens/guard)\.py|tests/.+")
TRANSACTIONS_END_IN = re.compile(r"paywall/database/(engine|driver)\.py|tests/.+")
EXCUSE = re.compile(r"#\s*(no" + r"qa|type:\s*ignore)")
EXCUSE_WITH_REASON = re.compile(
    r"# (?:noqa): [A-Z]+\d+(, ?[A-Z]+\d+)* \(.{8,}\)|# (?:type): ignore\[[\w, -]+\]  # .{8,}"
)
LEFT_FOR_LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")

Finding = tuple[int, str]


@dataclass(frozen=True)
class Source:
    """One file of ours; `path` is relative to the repository."""

    path: PurePosixPath
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    @property
    def called_methods(self) -> Iterator[tuple[int, str]]:
        for node in self.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.lineno, node.func.attr


def files_are_short(source: Source) -> Iterator[Finding]:
    lines = len(source.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield lines, f"the file has {lines} lines; at most {FILE_LINES_MAX}"


def functions_are_short(source: Source) -> Iterator[Finding]:
    for function in source.functions:
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield (
                function.lineno,
                f"{function.name} has {lines} lines; at most {FUNCTION_LINES_MAX}",
            )


def transactions_open_in_handlers_and_commands(source: Source) -> Iterator[Finding]:
    if not TRANSACTIONS_OPEN_IN.fullmatch(str(source.path)):
        for line, method in source.called_methods:
            if method in ("reading", "writing"):
                yield line, f"{method}() belongs to a handler: take the session as an argument"


def transactions_end_in_the_database(source: Source) -> Iterator[Finding]:
    if not TRANSACTIONS_END_IN.fullmatch(str(source.path)):
        for line, method in source.called_methods:
            if method in ("begin", "begin_nested", "commit", "rollback"):
                yield line, f"{method}() belongs to database/: leave it to writing()"


def handlers_get_the_database_injected(source: Source) -> Iterator[Finding]:
    """The injected one discards the writes of HEAD requests."""
    if not STATE_HAS_THE_DATABASE_IN.fullmatch(str(source.path)):
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("state.database"):
                yield node.lineno, "state.database: take the dependency `database`"


def imports_stand_at_the_top(source: Source) -> Iterator[Finding]:
    for function in source.functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, f"an import inside {function.name}"


def excuses_have_a_reason(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if EXCUSE.search(line) and not EXCUSE_WITH_REASON.search(line):
            yield number, "an ignore without its code or its reason"


def nothing_is_left_for_later(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := LEFT_FOR_LATER.search(line):
            yield number, f"{found.group()}: do it, or file an issue"


RULES = (
    files_are_short,
    functions_are_short,
    transactions_open_in_handlers_and_commands,
    transactions_end_in_the_database,
    handlers_get_the_database_injected,
    imports_stand_at_the_top,
    excuses_have_a_reason,
    nothing_is_left_for_later,
)
