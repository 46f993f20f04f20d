"""One cookie of a request, in linear time (RFC 6265 §4.2).

The standard library's parser takes quadratic time over a quoted value (CVE-2024-7592): a second for
32 KiB on Python 3.11.7. Ours are never quoted.
"""

from collections.abc import Iterable


def find_cookie(headers: Iterable[tuple[bytes, bytes]], name: str, *, bytes_max: int) -> str | None:
    """The value of the first cookie of this name; None where there is none, or a longer one."""
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
