"""The house's own rules hold, and each of them finds what it is there to find."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.house import names, rules
from tests.house.rules import RULES, Finding, Source

ROOT = Path(__file__).parents[2]
Rule = Callable[[Source], Iterator[Finding]]

NO_CODE = "import os  # no" + "qa\n"
NO_REASON = "import os  # no" + "qa: F401\n"
NO_TYPE_REASON = "x = 1  # type: " + "ignore[misc]\n"
BREACHES: list[tuple[Rule, str]] = [
    (rules.files_are_short, "a = 1\n" * 401),
    (rules.functions_are_short, "def long():\n" + "    a = 1\n" * 70),
    (rules.transactions_open_in_handlers_and_commands, "with database.writing():\n    pass\n"),
    (rules.transactions_open_in_handlers_and_commands, "with database.reading():\n    pass\n"),
    (rules.transactions_end_in_the_database, "session.commit()\n"),
    (rules.transactions_end_in_the_database, "with engine.begin():\n    pass\n"),
    (rules.handlers_get_the_database_injected, "database = request.app.state.database\n"),
    (rules.imports_stand_at_the_top, "def late():\n    import os\n"),
    (rules.excuses_have_a_reason, NO_CODE),
    (rules.excuses_have_a_reason, NO_REASON),
    (rules.excuses_have_a_reason, NO_TYPE_REASON),
    (rules.nothing_is_left_for_later, "# TO" + "DO: mend\n"),
    (names.names_are_standard_terms, "def tell(grant):\n    pass\n"),
    (names.names_are_standard_terms, "def _look_at(grant):\n    pass\n"),
    (names.names_are_standard_terms, "class InvoiceSeen:\n    taken_back: int = 0\n"),
    (names.names_are_standard_terms, "for each in (1, 2):\n    pass\n"),
    (names.names_are_standard_terms, "def to_response(told):\n    pass\n"),
    (names.promises_are_short, f"def test_{'a' * 66}():\n    pass\n"),
    (names.comments_stand_above_constants, 'LIMIT = 1\n"""The most."""\n'),
]
ALL_RULES = (*RULES, *names.RULES)


def _sources() -> Iterator[Source]:
    for folder in ("paywall", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = PurePosixPath(path.relative_to(ROOT).as_posix())
            yield Source(relative, path.read_text(encoding="utf-8"))


def test_the_house_is_in_order() -> None:
    findings = [
        f"{source.path}:{line}: {what}"
        for source in _sources()
        for rule in ALL_RULES
        for line, what in rule(source)
    ]
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize(("rule", "text"), BREACHES)
def test_a_breach_is_found(rule: Rule, text: str) -> None:
    assert list(rule(Source(PurePosixPath("paywall/unlocks/unlock.py"), text)))


def test_every_rule_has_a_breach_to_find() -> None:
    assert {rule for rule, _text in BREACHES} == set(ALL_RULES)


def test_no_two_public_classes_share_a_name() -> None:
    assert names.shared_class_names(_sources()) == {}


def test_a_shared_class_name_is_found() -> None:
    sources = [Source(PurePosixPath(f"paywall/{n}.py"), "class Plan: ...\n") for n in "ab"]
    assert list(names.shared_class_names(sources)) == ["Plan"]


def test_a_column_keeps_its_name() -> None:
    source = Source(PurePosixPath("paywall/a.py"), "class Purchase:\n    taken_back: int = 0\n")
    assert not list(names.names_are_standard_terms(source))
