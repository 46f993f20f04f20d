"""Reads the text of a KHQR code, written apart from the builder, with a checksum of its own."""

POLYNOMIAL, START = 0x1021, 0xFFFF
TEMPLATES = ("29", "30", "62", "64", "99")


class InvalidKhqrError(Exception):
    """The text is no KHQR code; says why."""


def parse(text: str) -> dict[str, str]:
    """Every value by its path of tags, such as `29.00`; raises InvalidKhqrError."""
    if crc16(text[:-4]) != text[-4:]:
        raise InvalidKhqrError("the checksum is wrong")
    fields = dict[str, str]()
    for tag, value in _split(text):
        fields[tag] = value
        if tag in TEMPLATES:
            fields |= {f"{tag}.{inner}": content for inner, content in _split(value)}
    if next(iter(fields)) != "00" or list(fields)[-1] != "63":
        raise InvalidKhqrError("00 has to be first and 63 last")
    return fields


def _split(text: str) -> list[tuple[str, str]]:
    parts, at = [], 0
    while at < len(text):
        tag, length = text[at : at + 2], text[at + 2 : at + 4]
        if not (tag.isdigit() and length.isdigit()):
            raise InvalidKhqrError(f"no tag and length at {at}")
        value = text[at + 4 : at + 4 + int(length)]
        if len(value) != int(length) or not value:
            raise InvalidKhqrError(f"tag {tag} ends early")
        parts.append((tag, value))
        at += 4 + len(value)
    if len({tag for tag, _ in parts}) < len(parts):
        raise InvalidKhqrError("a tag comes twice")
    return parts


def crc16(text: str) -> str:
    register = START
    for byte in text.encode():
        for bit in range(7, -1, -1):
            is_odd = (register >> 15) ^ (byte >> bit & 1)
            register = (register << 1 ^ (POLYNOMIAL if is_odd else 0)) & 0xFFFF
    return f"{register:04X}"
