"""CSV files that are broken, large or written by a spreadsheet: no row vanishes."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paywall.database.tables import Article, CreditGrant, Unlock
from paywall.imports.csv_kinds import ArticleRow, GrantRow, UnlockRow
from paywall.imports.csv_records import REREAD_TIMES_MAX
from paywall.imports.csv_rows import CsvRow, read_rows
from paywall.imports.csv_text import LINE_CHARACTERS_MAX, CsvError, physical_lines
from tests.installation import HEADS, Installation

ARTICLES = [f"{n},Title {n},,,premium,1,<p>Body {n}</p>" for n in range(1, 41)]
OPEN_QUOTE = '10,"Title 10,,,premium,1,<p>Body 10</p>'
AT = "2026-01-01T00:00:00Z"
GRANT = ["r1", "5", "promotion", "x1", "", ""]
CELLS = st.text(st.sampled_from('ab,;"\r\n é\0'), max_size=8)


def test_an_unclosed_quote_costs_its_row_and_no_other(here: Installation) -> None:
    rows = [*ARTICLES]
    rows[9] = OPEN_QUOTE
    done = here.import_rows("articles", *rows)
    assert (done.exit_code, done.stdout) == (1, "new: 39\nchanged: 0\nunchanged: 0\nbad: 1\n")
    [said] = done.stderr.splitlines()
    assert said.startswith("given.csv:11: the quotes are broken (unexpected end of data).")
    assert said.endswith("Reading went on at line 12.")
    assert {article.id for article in here.all(Article)} == {str(n) for n in range(1, 41)} - {"10"}


def test_lines_inside_a_broken_body_are_named_and_counted(here: Installation) -> None:
    body = '10,Title 10,,,premium,1,"<p>One</p>\n<p>Two, or "three"</p>\n\n<p>Four</p>"'
    done = here.import_rows("articles", ARTICLES[0], body, ARTICLES[2])
    assert done.stdout == "new: 2\nchanged: 0\nunchanged: 0\nbad: 1\nlines not read: 3\n"
    assert "given.csv:4: lines 4 to 6 were not read: they are no rows." in done.stderr
    assert done.exit_code == 1


def test_a_bad_row_of_several_lines_names_its_last(here: Installation) -> None:
    done = here.import_rows("unlocks", f'ann,"a1\n\na2",{AT}', f"ann,a3,{AT}")
    assert done.stdout == "new: 1\nchanged: 0\nunchanged: 0\nbad: 1\n"
    assert "given.csv:2: article_id: " in done.stderr
    assert "The row goes on to line 4." in done.stderr


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "lines",
    [
        [HEADS["grants"].replace(",", ";") + ";;", ";".join([*GRANT, "", ""]), ";;;;;;;"],
        ["sep=,", HEADS["grants"], ",".join(GRANT), ",,,,,"],
        ["sep=;;;", HEADS["grants"].replace(",", ";"), ";".join(GRANT), ";;;;;"],
        [HEADS["grants"].replace(",", "\t"), "\t".join(GRANT), "\t\t\t\t\t"],
    ],
)
def test_what_a_spreadsheet_writes_is_read(lines: list[str], encoding: str, mark: str) -> None:
    file = (mark + "\r\n".join([*lines, ""])).encode(encoding)
    if encoding != "utf-8" and not mark:
        with pytest.raises(CsvError, match="looks like UTF-16 without a byte order mark"):
            _read_grants(file)
        return
    [row, empty] = _read_grants(file)
    assert row.row is not None
    assert (row.row.reader_id, row.row.amount, row.row.reference) == ("r1", 5, "x1")
    assert (empty.row, empty.errors, empty.is_unread) == (None, (), False)


def _read_grants(file: bytes) -> list[CsvRow[GrantRow]]:
    return list(read_rows(io.BytesIO(file), GrantRow))


def test_a_file_of_a_spreadsheet_is_imported(here: Installation) -> None:
    head = HEADS["grants"].replace(",", "\t")
    file = "\r\n".join([head, "\t".join(GRANT), "\t\t\t\t\t", ""]).encode("utf-16")
    done = here.import_("grants", file)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "new: 1\nchanged: 0\nunchanged: 0\nbad: 0\nempty: 1\n"
    [grant] = here.all(CreditGrant)
    assert (grant.reader_id, grant.amount, grant.reference) == ("r1", 5, "x1")


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        (b"PK\x03\x04rest", "a workbook of a spreadsheet program"),
        (b"\xd0\xcf\x11\xe0rest", "a workbook of a spreadsheet program"),
        ("reader_id".encode("utf-32"), "UTF-32"),
        (b"sep=|\nreader_id|article_id|unlocked_at\n", "declares '|' as the delimiter"),
        (b"sep=;\nreader_id,article_id,unlocked_at\n", "Missing: reader_id, article_id, unlocked"),
        (b"reader_id|article_id|unlocked_at\n", "by a comma, a semicolon, a tab"),
        (b"reader_id,,article_id,unlocked_at\n", "Unknown: (no name)"),
        (b'reader_id,"article_id\n",unlocked_at\n', "The header cannot be read"),
        (",".join(f"c{n}" for n in range(12)).encode(), "c6, c7, c8, c9, 2 more."),
        (b"x" * 100_000, "unknown: " + "x" * 60 + "."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_cause(file: bytes, cause: str) -> None:
    with pytest.raises(CsvError) as refused:
        list(read_rows(io.BytesIO(file), UnlockRow))
    assert cause in str(refused.value)


@pytest.mark.parametrize(
    ("row", "received"),
    [
        (f"ann;a;1;{AT}", "4 cells, and the header has 3. Put a cell with a semicolon in it into"),
        ("ann;a", "2 cells, and the header has 3. Write a semicolon for each empty cell, too."),
    ],
)
def test_another_number_of_cells_is_explained(row: str, received: str) -> None:
    file = f"reader_id;article_id;unlocked_at\n{row}\n".encode()
    [line] = read_rows(io.BytesIO(file), UnlockRow)
    assert received in line.errors[0].detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_bytes_that_are_no_text_cost_their_row_alone(encoding: str) -> None:
    clean = f"{HEADS['unlocks']}\nann,@,{AT}\nbo,a2,{AT}\n".encode(encoding)
    no_text = {"utf-8": b"\xe9", "utf-16": b"\x00\xd8"}[encoding]
    broken = clean.replace("@".encode(encoding)[-2 if encoding == "utf-16" else 0 :], no_text)
    bad, good = read_rows(io.BytesIO(broken), UnlockRow)
    assert (bad.number, [error.field for error in bad.errors]) == (2, ["article_id"])
    assert good.row is not None


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_line_at_the_limit_is_read_and_one_past_it_is_reported(line_end: str) -> None:
    def row(article_id: str, characters: int) -> str:
        around = f'{article_id},"",,,free,1,{line_end}'
        return around.replace('""', f'"{"x" * (characters - len(around))}"')

    at_limit = LINE_CHARACTERS_MAX
    rows = [row("a1", at_limit), row("a2", at_limit + 1), row("a3", at_limit)]
    file = HEADS["articles"] + line_end + "".join(rows)
    first, second, third = read_rows(io.BytesIO(file.encode()), ArticleRow)
    assert first.row is not None
    assert (second.number, second.row) == (3, None)
    assert "longer than" in second.errors[0].detail
    assert third.row is not None
    assert third.number == 4


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("more", range(4))
def test_lines_around_the_limit_are_split_as_any_other(line_end: str, more: int) -> None:
    long = "x" * (LINE_CHARACTERS_MAX - 1 + more)
    lines = list(physical_lines(io.BytesIO(line_end.join(["ab", long, "cd", ""]).encode())))
    assert [line.strip("\r\n") for line in lines] == ["ab", long[: LINE_CHARACTERS_MAX + 1], "cd"]


def test_very_many_broken_rows_are_read_in_linear_time() -> None:
    """Each line opens a quote, and none closes one: each broken record reaches to the end."""
    lines = 3000
    file = f"{HEADS['unlocks']}\n" + 'a","b\n' * lines
    rows = list(read_rows(io.BytesIO(file.encode()), UnlockRow))
    assert len(rows) <= 2 * (REREAD_TIMES_MAX + 2)
    assert rows[-1].last == lines + 1


def _accounted(file: str) -> list[int]:
    """Every line of the file that some row, or some lines that were not read, stand on."""
    rows = read_rows(io.BytesIO(file.encode()), UnlockRow)
    return [number for row in rows for number in range(row.number, row.last + 1)]


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8))
def test_the_rows_of_a_sound_file_are_counted_once_each(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    read = list(read_rows(io.BytesIO(f"{HEADS['unlocks']}\n{text.getvalue()}".encode()), UnlockRow))
    assert len(read) == len(rows)
    assert [row.is_unread for row in read] == [False] * len(rows)


@given(st.text(st.sampled_from('a1,"\r\n'), max_size=60))
@example('"\n"')
@example('a,"b\n,c\n\n"d"e\n')
def test_each_line_of_any_file_is_in_one_row_or_named_as_not_read(text: str) -> None:
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = _accounted(f"{HEADS['unlocks']}\n{text}")
    assert len(lines) == len(set(lines))
    assert set(lines) >= {number for number, row in enumerate(rows, start=2) if row}
    assert max(lines, default=0) <= len(rows) + 1


SOUND = [f"r,a,{AT}", f'"r",a,{AT}', f'r,"a, b",{AT}']
BROKEN = [f'r,"a,{AT}', f'r,"a"a,{AT}', "r,a", ""]


@given(st.lists(st.sampled_from(SOUND + BROKEN), max_size=12))
def test_sound_rows_are_read_whatever_is_broken_around_them(rows: list[str]) -> None:
    file = "\n".join([HEADS["unlocks"], *rows]).encode()
    read = list(read_rows(io.BytesIO(file), UnlockRow))
    clean = [number for number, row in enumerate(rows, start=2) if row in SOUND]
    assert [line.number for line in read if line.row] == clean
    others = sum(line.last - line.number + 1 for line in read if line.row is None)
    broken = sum(row in BROKEN and row != "" for row in rows)
    assert broken <= others <= broken + rows.count("")


def test_what_was_read_is_counted_as_the_file_has_it(here: Installation) -> None:
    clean = [f"ann,a{number},{AT}" for number in range(30)]
    rows = [*clean[:10], clean[0], 'bo,"a', *clean[10:20], "bo,a", ",,", "", *clean[20:]]
    done = here.import_rows("unlocks", *rows)
    assert done.stdout == "new: 30\nchanged: 0\nunchanged: 1\nbad: 2\nempty: 1\n"
    assert len(here.all(Unlock)) == 30
    assert len([row for row in rows if row]) == 30 + 1 + 2 + 1
