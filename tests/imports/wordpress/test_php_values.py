"""PHP's serialization: what is read, and that nothing can break the reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.imports.wordpress.php_values import (
    ELEMENTS_MAX,
    PhpError,
    PhpObject,
    stored_value,
    unserialize,
)
from tests.imports.wordpress.serialized import serialize

KEYS = st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(SCALARS, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=9)
PIECES = st.sampled_from([
    "a:1:{", "a:3:{", "i:0;", "i:-7;", "s:3:", '"abc";', "s:2:", '"កខ";', "b:1;", "d:0.5;", "d:x;",
    "N;", "}", "O:8:", '"stdClass"', ":1:{", "C:3:", '"abc":', "1:{", "r:1;", "R:2;", "E:3:", ";",
    "\0", "a:99999999:{", "s:9999999999:", "i:99999999999999999999999;", "\udcff",
])  # fmt: skip


@given(VALUES)
def test_what_php_writes_is_read_as_it_was(value: object) -> None:
    assert unserialize(serialize(value)) == value  # type: ignore[arg-type]  # drawn as PhpValue


@given(st.lists(PIECES, max_size=12).map("".join) | st.text())
def test_nothing_but_its_own_error_is_ever_raised(text: str) -> None:
    for read in (unserialize, stored_value):
        try:
            read(text)
        except PhpError as error:
            assert str(error)


@given(VALUES, st.data())
def test_a_text_that_was_cut_short_is_refused(value: object, data: st.DataObject) -> None:
    written = serialize(value)  # type: ignore[arg-type]  # drawn as PhpValue
    cut = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(PhpError):
        unserialize(written[:cut])


@given(VALUES, VALUES)
def test_what_follows_a_value_is_refused(value: object, more: object) -> None:
    with pytest.raises(PhpError):
        unserialize(serialize(value) + serialize(more))  # type: ignore[arg-type]  # drawn as PhpValue


@pytest.mark.parametrize(
    "text",
    [
        'O:8:"stdClass":1:{s:1:"a";i:1;}',
        'O:8:"stdClass":0:{}',
        'C:11:"ArrayObject":5:{x:i:0}',
        'E:7:"Suit:No";',
        "r:1;",
    ],
)
def test_an_object_is_skipped_wherever_it_is(text: str) -> None:
    assert unserialize(text) is PhpObject.SKIPPED
    assert unserialize(f'a:2:{{i:0;{text}s:1:"b";i:2;}}') == {0: PhpObject.SKIPPED, "b": 2}


def test_lengths_of_strings_count_bytes() -> None:
    assert unserialize('s:9:"កខគ";') == "កខគ"
    with pytest.raises(PhpError, match="broken at byte 8"):
        unserialize('s:3:"កខគ";')
    with pytest.raises(PhpError, match="broken at byte 6"):
        unserialize('s:1:"é";')


def test_depth_and_elements_are_limited() -> None:
    with pytest.raises(PhpError, match="nested more than 16 deep"):
        unserialize("a:1:{i:0;" * 5000)
    with pytest.raises(PhpError, match=f"more than {ELEMENTS_MAX} elements"):
        unserialize("a:9999999999:{")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", "5"),
        ("", ""),
        ("b:0;", False),
        (" i:5; ", 5),
        ("a:1:{i:0;i:101", "a:1:{i:0;i:101"),
        ("a:0:{}", {}),
    ],
)
def test_a_meta_value_is_read_as_wordpress_reads_it(text: str, value: object) -> None:
    assert stored_value(text) == value
