"""An id in a reference is replaced only where it stands whole."""

import pytest

from paywall.rules.tombstone import is_tombstone, replace_ids

LONG = 200
TOMBSTONE = "erased_" + "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("reference", "inscribed"),
    [
        ("ann", "X"),
        ("ann-1", "X-1"),
        ("gift_ann", "gift_X"),
        ("a:ann@2026/ann", "a:X@2026/X"),
        ("anna-1", "anna-1"),
        ("joann", "joann"),
        ("ann1", "ann1"),
        ("Ann", "Ann"),
        ("", ""),
    ],
)
def test_a_whole_id_is_replaced(reference: str, inscribed: str) -> None:
    assert replace_ids(reference, {"ann": "X"}, length_max=LONG) == inscribed


def test_the_longer_of_two_ids_is_found_first() -> None:
    result = replace_ids("ann-lee, ann", {"ann": "X", "ann-lee": "Y"}, length_max=LONG)
    assert result == "Y, X"


def test_an_id_is_not_a_pattern() -> None:
    assert replace_ids("a.c abc", {"a.c": "X"}, length_max=LONG) == "X abc"
    assert replace_ids("រិទ្ធ-៧", {"រិទ្ធ-៧": "X"}, length_max=LONG) == "X"


def test_a_result_that_is_too_long_is_none() -> None:
    assert replace_ids("7-" * 100, {"7": TOMBSTONE}, length_max=LONG) is None


def test_a_tombstone_differs_from_similar_ids() -> None:
    assert is_tombstone(TOMBSTONE)
    for other in ("erased_", "erased_bob", f"{TOMBSTONE}0", f"x{TOMBSTONE}"):
        assert not is_tombstone(other)
