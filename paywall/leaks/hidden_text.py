"""The part of a body that is not public, and how much of it another text gives away.

The letters of the body are compared in windows of WINDOW_LETTERS, about six words. A window that
the preview or the title contains is public, and so is no window that touches it.
"""

import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from paywall.leaks.letters import letters_of, text_of_body

WINDOW_LETTERS = 32
# A text of fewer letters is compared as a whole, if it has at least so many.
HIDDEN_LETTERS_MIN = 12
# Of a longer text only every second, third, … window is indexed, which still finds each passage
# that is longer than a window and this step.
INDEXED_WINDOWS_MAX = 262_144
PUBLIC_LETTERS_MAX = 500_000
# In a script without spaces (Thai, Lao, Burmese, Khmer, Chinese, Japanese), so many letters count
# as one word.
WORD_LETTERS = 5
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# More words than one sentence usually has: given away is this much, or a passage that goes on over
# the end of a sentence, or half of the hidden part.
SENTENCE_WORDS_MAX = 30
PASSAGE_WORDS_MIN = 12
# How much of a sentence a passage must contain to count as going on into it.
NEXT_SENTENCE_LETTERS_MIN = 12
SHARE_MIN = 0.5
FIRST_WORDS = 8
FIRST_WORDS_CHARACTERS_MAX = 60
QUERY_WORDS = 3
QUERY_CHARACTERS_MAX = 24
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|\Z)|[។៕។៚。！？]|\n")
SPACES = re.compile("[\\s\u200b]+")


class HiddenText:
    """What of a body must be given to nobody without a decision that grants it."""

    def __init__(self, body_html: str, public: Iterable[str]) -> None:
        self._text = html.unescape(text_of_body(body_html))
        # Where each word begins and ends among the letters, and whether its script has no spaces.
        self._words: list[tuple[int, int, bool]] = []
        self._spelling: list[str] = []
        self._sentences: list[int] = []
        self.letters = self._read()
        self._is_hidden = bytearray(b"\1" * len(self.letters))
        for text in public:
            self._exclude(letters_of(html.unescape(text_of_body(text)))[:PUBLIC_LETTERS_MAX])
        self.hidden_letters = sum(self._is_hidden)
        longest = max((end - start for start, end in _runs(self._is_hidden)), default=0)
        self.window = min(WINDOW_LETTERS, max(longest, 1))

    @property
    def is_comparable(self) -> bool:
        return self.window >= HIDDEN_LETTERS_MIN

    @property
    def words(self) -> int:
        """The number of hidden words."""
        return self.count_words(self._is_hidden)

    def count_words(self, covered: bytearray) -> int:
        """How many words are covered; in a script without spaces, about how many."""
        return sum(
            -(-sum(covered[begin:end]) // WORD_LETTERS) if is_unspaced else covered[begin]
            for begin, end, is_unspaced in self._words
        )

    def windows(self) -> Iterator[tuple[int, str]]:
        """The windows that contain no public letter, with their positions."""
        step = 1 + len(self.letters) // INDEXED_WINDOWS_MAX
        public = b"\0"
        for start in range(0, len(self.letters) - self.window + 1, step):
            if self._is_hidden.find(public, start, start + self.window) < 0:
                yield start, self.letters[start : start + self.window]

    def sentence_at(self, position: int) -> int:
        return self._sentences[position]

    def first_words(self, position: int) -> str:
        """The text from the word with this letter on, in the body's own spelling."""
        following = [
            text
            for (_, end, _), text in zip(self._words, self._spelling, strict=True)
            if end > position
        ]
        return " ".join(following[:FIRST_WORDS])[:FIRST_WORDS_CHARACTERS_MAX]

    def query(self) -> str:
        """A few hidden words to search for, too short to count as given away."""
        hidden = [
            text
            for (begin, _, _), text in zip(self._words, self._spelling, strict=True)
            if self._is_hidden[begin]
        ]
        middle = len(hidden) // 2
        return " ".join(hidden[middle : middle + QUERY_WORDS])[:QUERY_CHARACTERS_MAX].strip()

    def _read(self) -> str:
        """Collect words and sentences, and return all letters."""
        letters: list[str] = []
        position = 0
        for sentence, part in enumerate(_sentences(self._text)):
            for word in SPACES.split(part):
                in_word = letters_of(word)
                if in_word:
                    end = position + len(in_word)
                    self._words.append((position, end, UNSPACED.search(word) is not None))
                    self._spelling.append(word)
                    self._sentences += [sentence] * len(in_word)
                    letters.append(in_word)
                    position = end
        return "".join(letters)

    def _exclude(self, public: str) -> None:
        """Mark the letters of each window that the public text contains."""
        size = min(WINDOW_LETTERS, len(public))
        if size < HIDDEN_LETTERS_MIN:
            return
        windows = {public[start : start + size] for start in range(len(public) - size + 1)}
        for start in range(len(self.letters) - size + 1):
            if self.letters[start : start + size] in windows:
                self._is_hidden[start : start + size] = bytes(size)


class Disclosure(NamedTuple):
    """How much of one hidden text a response gave away."""

    words: int
    share: float
    first_words: str
    is_leak: bool


class HiddenTexts:
    """An index of several hidden texts, so that one pass over a response finds all of them."""

    def __init__(self, texts: Sequence[HiddenText]) -> None:
        self.texts = texts
        self._index: dict[int, dict[str, list[tuple[int, int]]]] = {}
        for number, text in enumerate(texts):
            windows = self._index.setdefault(text.window, defaultdict(list))
            for start, window in text.windows():
                windows[window].append((number, start))

    def find(self, text: str) -> dict[int, bytearray]:
        """The letters of each hidden text that occur in this text, by the number of the former."""
        letters = letters_of(text)
        found: dict[int, bytearray] = {}
        for size, windows in self._index.items():
            for start in range(len(letters) - size + 1):
                if places := windows.get(letters[start : start + size]):
                    for number, position in places:
                        covered = found.get(number)
                        if covered is None:
                            covered = found[number] = bytearray(len(self.texts[number].letters))
                        covered[position : position + size] = b"\1" * size
        return found


def disclosure_of(text: HiddenText, covered: bytearray) -> Disclosure:
    """Decide whether the covered letters are more than a sentence that two texts can share."""
    letters = sum(covered)
    words = text.count_words(covered)
    share = min(letters / max(text.hidden_letters, 1), 1.0)
    is_leak = (
        words >= SENTENCE_WORDS_MAX
        or share >= SHARE_MIN
        or any(_is_passage(text, start, end) for start, end in _runs(covered))
    )
    return Disclosure(words, share, text.first_words(covered.find(1)), is_leak)


def _is_passage(text: HiddenText, start: int, end: int) -> bool:
    """Whether these letters go on over the end of a sentence, and are more than a phrase."""
    run = bytearray(len(text.letters))
    run[start:end] = b"\1" * (end - start)
    margin = NEXT_SENTENCE_LETTERS_MIN
    if text.count_words(run) < PASSAGE_WORDS_MIN or end - start <= 2 * margin:
        return False
    return text.sentence_at(start + margin) != text.sentence_at(end - 1 - margin)


def _runs(covered: bytearray) -> Iterator[tuple[int, int]]:
    start = covered.find(1)
    while start >= 0:
        end = covered.find(0, start)
        end = len(covered) if end < 0 else end
        yield start, end
        start = covered.find(1, end)


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for end in SENTENCE_END.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]
