"""Reads one cookie of a request in linear time (RFC 6265 §4.2).

The standard library's parser takes quadratic time for quoted values (CVE-2024-7592): one second
for 32 KiB on Python 3.11.7. This service's cookies are never quoted.
"""

from collections.abc import Iterable


def find_cookie(headers: Iterable[tuple[bytes, bytes]], name: str, *, bytes_max: int) -> str | None:
    """The value of the first cookie with this name; None if it is missing or too long."""
    opening = f"{name}=".encode()
    for header, value in headers:
        if header.lower() != b"cookie" or opening not in value:
            continue
        for pair in value.split(b";"):
            cookie = pair.strip(b" \t")
            if cookie.startswith(opening):
                found = cookie[len(opening) :]
                return found.decode("latin-1") if len(found) <= bytes_max else None
    return None
