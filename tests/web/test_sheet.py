"""The sheet of all words, for a native reviewer."""

import csv
import io

from tests.web.sheet import BYTE_ORDER_MARK, READERS, WORDPRESS, neutralised, rows, sheet
from tests.web.test_words import catalogue


def test_every_word_and_plural_form_has_a_row_in_both_languages() -> None:
    listed = [row for row in rows() if row.part == READERS]
    assert {row.name for row in listed} == catalogue("en").keys()
    found = {(row.name, row.form): row for row in listed}
    assert len(found) == len(listed)
    for code, column in (("en", "english"), ("km", "khmer")):
        for name, word in catalogue(code).items():
            for form, text in ({"": word} if isinstance(word, str) else word).items():
                assert getattr(found[name, form], column) == text
    asked = found["unlock_question", ""]
    assert asked.section == "Unlocking"
    assert "script/gate.js" in asked.used_in
    assert found["credits", "one"].placeholders == "count"
    assert "script/subscription.js" in found["status_paused", ""].used_in
    assert not [row.name for row in listed if not row.used_in and row.name != "currency_khr"]


def test_the_plug_ins_texts_are_listed_with_their_khmer() -> None:
    listed = [row for row in rows() if row.part == WORDPRESS]
    assert len(listed) > 100
    assert all(row.english for row in listed)
    assert not [row for row in listed if not row.khmer and row.form != "other"]


def test_a_spreadsheet_reads_it_and_runs_nothing() -> None:
    text = sheet()
    assert text.startswith(BYTE_ORDER_MARK)
    lines = list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))
    assert len(lines) == len(list(rows()))
    assert neutralised('=HYPERLINK("x")') == '\'=HYPERLINK("x")'
    starts = {cell[:1] for line in lines for cell in line.values()}
    assert starts & set("=+-@\t\r") == set()
