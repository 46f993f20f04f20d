"""Files of unknown encoding: the start is examined first, and undecodable bytes do not raise."""

import codecs
import io
from typing import BinaryIO

# Replaces undecodable bytes: a lone surrogate, which no field accepts.
UNDECODABLE = "\udcff"
# The name of the codec error handler that inserts it.
UNDECODABLE_AS_SURROGATE = "paywall.undecodable"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error(UNDECODABLE_AS_SURROGATE, _stand_in)


class Resumed(io.RawIOBase):
    """A file whose start was read already: that start, and then the rest."""

    def __init__(self, start: bytes, file: BinaryIO) -> None:
        self._start = start
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # typeshed's own Buffer has no length
        piece = self._start[: len(buffer)] or self._file.read(len(buffer))
        self._start = self._start[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)
