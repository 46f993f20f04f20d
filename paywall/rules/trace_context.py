"""The header `traceparent`, by which callers name the trace that a request belongs to."""

import re

NAME = b"traceparent"
FORM = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def trace_id_of(value: bytes) -> str | None:
    """The trace id of a valid header (W3C Trace Context §3.2), in any version; else None."""
    match = FORM.fullmatch(value)
    if match is None:
        return None
    version, trace_id, parent_id, rest = match.groups()
    is_invalid = (
        version == b"ff"
        or not trace_id.strip(b"0")
        or not parent_id.strip(b"0")
        # Only later versions may append fields.
        or (version == b"00" and rest is not None)
    )
    return None if is_invalid else trace_id.decode()
