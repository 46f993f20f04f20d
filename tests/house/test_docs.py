"""The documentation is complete, its links lead somewhere, and its tables are those of the code."""

import re
from pathlib import Path

import pytest

from tests.house.docs import DOCS, ROOT, TABLES, page_name, pages, with_tables

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
DECISIONS = DOCS / "decisions"
DECISION_HEADINGS = ["Context", "Decision", "Consequences", "When to revisit"]
# Every other table has a page of its own.
PAGE_OF_TABLE = {"scopes": "docs/integrate.md"}
DECISION_LINES = range(20, 51)


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _anchors(page: Path) -> set[str]:
    """The fragments that a forge gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", _text(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_tables_are_those_of_the_code(page: Path) -> None:
    assert with_tables(_text(page)) == _text(page), "Run: make docs"


def test_each_table_stands_on_one_page() -> None:
    for name in TABLES:
        having = [page_name(page) for page in pages() if f"<!-- {name} -->" in _text(page)]
        assert having == [PAGE_OF_TABLE.get(name, f"docs/{name}.md")]


def test_a_setting_that_the_page_lacks_is_noticed() -> None:
    lines = _text(DOCS / "settings.md").splitlines(keepends=True)
    without = "".join(line for line in lines if "`meter_limit`" not in line)
    assert without != with_tables(without)


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, anchor in LINK.findall(_text(page)):
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked), f"{target}#{anchor}"


def test_every_page_is_in_the_index_of_its_folder() -> None:
    for index in (DOCS / "README.md", DECISIONS / "README.md"):
        linked = {target for target, _anchor in LINK.findall(_text(index))}
        own = {page.name for page in index.parent.glob("*.md")} - {"README.md"}
        assert own <= linked


def test_every_decision_has_its_four_parts_on_one_page() -> None:
    decisions = sorted(set(DECISIONS.glob("*.md")) - {DECISIONS / "README.md"})
    assert len(decisions) >= 7
    for page in decisions:
        headings = re.findall(r"^## (.+)$", _text(page), re.MULTILINE)
        assert headings == DECISION_HEADINGS, page_name(page)
        assert len(_text(page).splitlines()) in DECISION_LINES, page_name(page)


def test_every_folder_of_the_package_is_described_for_contributors() -> None:
    text = _text(ROOT / "CONTRIBUTING.md")
    table = text.partition("| In `paywall/` | Contents |")[2].partition("\n\n")[0]
    folders = {f"{path.parent.name}/" for path in ROOT.glob("paywall/*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+/)` \|", table, re.MULTILINE)) == folders


def test_the_tests_that_the_security_policy_names_exist() -> None:
    named = NAMED_TEST.findall(_text(ROOT / "SECURITY.md"))
    assert len(named) >= 25
    for file, test in named:
        assert re.search(rf"^(async )?def {test}\(", _text(ROOT / file), re.MULTILINE), test
