"""The random id that replaces the id of an erased reader."""

import re
from collections.abc import Mapping

TOMBSTONE = re.compile(r"erased_[0-9a-f]{32}")
LETTER_OR_DIGIT = r"[^\W_]"


def is_tombstone(reader_id: str) -> bool:
    return TOMBSTONE.fullmatch(reader_id) is not None


def replace_ids(reference: str, tombstones: Mapping[str, str], *, length_max: int) -> str | None:
    """Replace each whole id in a reference by its tombstone; None if the result is too long.

    An id is whole if no letter or digit precedes or follows it: `ann`, `ann-1` and `gift_ann`
    contain the id `ann`; `anna` and `joann-1` do not.
    """
    ids = "|".join(re.escape(id_) for id_ in sorted(tombstones, key=len, reverse=True))
    whole = f"(?<!{LETTER_OR_DIGIT})({ids})(?!{LETTER_OR_DIGIT})"
    inscribed = re.sub(whole, lambda match: tombstones[match[1]], reference)
    return inscribed if len(inscribed) <= length_max else None
