"""The pattern of ids: the same texts as ever, in words that every engine takes."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from paywall.http.fields import ID_PATTERN, SPACES

# What ids are, said shortly; RE2, and so Go, refuses it.
WITH_LOOKAROUNDS = re.compile(
    r"^(?!\.{1,2}\Z)(?!\s)[^\x00-\x1f\x7f-\x9f/\\\ud800-\udfff]{1,200}(?<!\s)\Z"
)
ID = re.compile(ID_PATTERN)
TELLING = st.sampled_from(
    ["a", ".", " ", "/", "\\", "\n", "\x7f", "\x85", "\u2003", "\ud800", "🐟"]
)
TEXTS = st.text(TELLING, max_size=4) | st.builds(
    lambda first, length, last: f"{first}{'x' * length}{last}",
    st.text(TELLING, max_size=2),
    st.integers(194, 203),
    st.text(TELLING, max_size=2),
)


@given(TEXTS)
def test_an_id_is_what_it_was(text: str) -> None:
    assert bool(ID.match(text)) == bool(WITH_LOOKAROUNDS.match(text))


def test_every_character_is_taken_where_it_was() -> None:
    """Each that is no letter, at each place; and one of each script."""
    odd = [chr(code) for code in range(0x11000) if unicodedata.category(chr(code))[0] != "L"]
    for character in [*odd, "a", "ក", "漢", "\U0001f41f", "\U0010ffff"]:
        for text in (
            character,
            f"{character}a",
            f"a{character}",
            f"a{character}a",
            f"a{character}aa",
        ):
            assert bool(ID.match(text)) == bool(WITH_LOOKAROUNDS.match(text)), ascii(text)


def test_the_spaces_are_those_of_unicode() -> None:
    spaces = re.compile(f"[{SPACES}]")
    for code in range(0x110000):
        character = chr(code)
        is_space = character.isspace() and unicodedata.category(character) != "Cc"
        assert bool(spaces.match(character)) == is_space, ascii(character)
