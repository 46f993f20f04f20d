"""An id is found in a reference where it stands whole, and nowhere else."""

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
def test_an_id_that_stands_whole_is_replaced(reference: str, inscribed: str) -> None:
    assert replace_ids(reference, {"ann": "X"}, length_max=LONG) == inscribed


def test_of_two_ids_the_longer_is_found_first() -> None:
    told = replace_ids("ann-lee, ann", {"ann": "X", "ann-lee": "Y"}, length_max=LONG)
    assert told == "Y, X"


def test_an_id_means_its_characters_alone() -> None:
    assert replace_ids("a.c abc", {"a.c": "X"}, length_max=LONG) == "X abc"
    assert replace_ids("រិទ្ធ-៧", {"រិទ្ធ-៧": "X"}, length_max=LONG) == "X"


def test_what_gets_too_long_is_not_told() -> None:
    assert replace_ids("7-" * 100, {"7": TOMBSTONE}, length_max=LONG) is None


def test_a_tombstone_is_told_from_an_id_like_it() -> None:
    assert is_tombstone(TOMBSTONE)
    for other in ("erased_", "erased_bob", f"{TOMBSTONE}0", f"x{TOMBSTONE}"):
        assert not is_tombstone(other)
