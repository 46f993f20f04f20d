"""Files of unknown encodings: their start is looked at first, and no byte of them raises."""

import codecs
import io
from typing import BinaryIO

# Stands for bytes that are no text in an encoding: a lone surrogate, which no field takes.
UNDECODABLE = "\udcff"
# The error handler by this name puts it there.
UNDECODABLE_AS_SURROGATE = "paywall.undecodable"


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE, error.end


codecs.register_error(UNDECODABLE_AS_SURROGATE, _stand_in)


class Resumed(io.RawIOBase):
    """The start that was read, and then the rest of the file."""

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
