"""Reads values that PHP serialized: scalars and arrays. Objects are skipped, and never created.

The format is that of PHP's `serialize`; lengths of strings are in bytes of UTF-8.
"""

import re
from enum import Enum

DEPTH_MAX = 16
ELEMENTS_MAX = 200_000
# What WordPress takes for serialized, and unserializes when it reads an option or a meta value.
SERIALIZED = re.compile(
    rb"N;|[bid]:[0-9.E+-]+;|s:[0-9]+:.*\";|[aOE]:[0-9]+:.*[;}]", re.DOTALL | re.ASCII
)
INTEGER = re.compile(rb"i:([+-]?[0-9]{1,20});")
BOOLEAN = re.compile(rb"b:([01]);")
FLOAT = re.compile(rb"d:(-?INF|NAN|[0-9.eE+-]{1,400});")
STRING = re.compile(rb's:([0-9]{1,10}):"')
ARRAY = re.compile(rb"a:([0-9]{1,10}):\{")
OBJECT = re.compile(rb'O:([0-9]{1,10}):"')
MEMBERS = re.compile(rb'":([0-9]{1,10}):\{')
# An object with a format of its own, an enumeration case, and a reference to an earlier value.
OTHER_OBJECT = re.compile(rb'C:[0-9]{1,10}:"[A-Za-z0-9_\\]{1,500}":([0-9]{1,10}):\{')
ENUM_CASE = re.compile(rb'E:([0-9]{1,10}):"')
REFERENCE = re.compile(rb"[rR]:[0-9]{1,10};")


class PhpObject(Enum):
    """Stands for any object in a value; what was in it is not kept."""

    SKIPPED = "object"


PhpValue = bool | int | float | str | None | PhpObject | dict[int | str, "PhpValue"]


class PhpError(ValueError):
    """The text is not what PHP serializes; the message says where."""


def unserialize(text: str) -> PhpValue:
    """The value of a whole serialized text; raises PhpError, and nothing else."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise PhpError("it is not UTF-8") from error
    reader = _Reader(data)
    value = reader.read_value(0)
    if reader.at != len(data):
        raise PhpError(f"its value ends at byte {reader.at}, and more follows")
    return value


def stored_value(text: str) -> PhpValue:
    """A meta value as WordPress reads it: unserialized if it looks serialized, else the text.

    Raises PhpError for what looks serialized and is not.
    """
    stripped = text.strip(" \t\n\r\0\x0b")
    if SERIALIZED.fullmatch(stripped.encode(errors="replace")):
        return unserialize(stripped)
    return text


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.elements = 0

    def read_value(self, depth: int) -> PhpValue:
        if depth > DEPTH_MAX:
            raise PhpError(f"its arrays are nested more than {DEPTH_MAX} deep")
        match self.data[self.at : self.at + 2]:
            case b"N;":
                self.at += 2
                return None
            case b"b:":
                return self.take(BOOLEAN) == b"1"
            case b"i:":
                return int(self.take(INTEGER))
            case b"d:":
                return self.read_float()
            case b"s:":
                return self.read_string()
            case b"a:":
                return self.read_array(depth)
            case _:
                return self.skip_object(depth)

    def take(self, pattern: re.Pattern[bytes]) -> bytes:
        """Move past what the pattern matches here; returns its group, if it has one."""
        match = pattern.match(self.data, self.at)
        if match is None:
            raise PhpError(f"it is broken at byte {self.at}")
        self.at = match.end()
        return match[1] if pattern.groups else b""

    def read_float(self) -> float:
        start = self.at
        try:
            return float(self.take(FLOAT))
        except ValueError as error:
            raise PhpError(f"it is broken at byte {start}") from error

    def read_string(self) -> str:
        content = self.take_bytes(STRING)
        # It begins and ends between characters, as a quote follows.
        self.expect(b'";')
        return content.decode()

    def take_bytes(self, pattern: re.Pattern[bytes]) -> bytes:
        """Move past what the pattern matches, and past the number of bytes that it states."""
        length = int(self.take(pattern))
        content = self.data[self.at : self.at + length]
        self.at += length
        return content

    def expect(self, token: bytes) -> None:
        if not self.data.startswith(token, self.at):
            raise PhpError(f"it is broken at byte {self.at}")
        self.at += len(token)

    def read_array(self, depth: int) -> dict[int | str, PhpValue]:
        return self.read_elements(int(self.take(ARRAY)), depth)

    def read_elements(self, count: int, depth: int) -> dict[int | str, PhpValue]:
        self.elements += count
        if self.elements > ELEMENTS_MAX:
            raise PhpError(f"it has more than {ELEMENTS_MAX} elements")
        values: dict[int | str, PhpValue] = {}
        for _ in range(count):
            start, key = self.at, self.read_value(depth + 1)
            if isinstance(key, bool) or not isinstance(key, int | str):
                raise PhpError(f"it is broken at byte {start}")
            values[key] = self.read_value(depth + 1)
        self.expect(b"}")
        return values

    def skip_object(self, depth: int) -> PhpObject:
        match self.data[self.at : self.at + 2]:
            case b"O:":
                self.take_bytes(OBJECT)
                self.read_elements(int(self.take(MEMBERS)), depth)
            case b"C:":
                self.take_bytes(OTHER_OBJECT)
                self.expect(b"}")
            case b"E:":
                self.take_bytes(ENUM_CASE)
                self.expect(b'";')
            case _:
                self.take(REFERENCE)
        return PhpObject.SKIPPED
