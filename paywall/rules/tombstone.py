"""The random name that stays where a reader was erased, and how it takes the place of an id."""

import re
from collections.abc import Mapping

TOMBSTONE = re.compile(r"erased_[0-9a-f]{32}")
LETTER_OR_DIGIT = r"[^\W_]"


def is_tombstone(reader_id: str) -> bool:
    return TOMBSTONE.fullmatch(reader_id) is not None


def replace_ids(reference: str, tombstones: Mapping[str, str], *, length_max: int) -> str | None:
    """Put tombstones for the ids that they replace, wherever one stands whole in a reference.

    Whole is what has no letter and no digit at either side: the id `ann` is borne by `ann`,
    `ann-1` and `gift_ann`, and not by `anna` or `joann-1`. None for a reference that would get
    too long.
    """
    ids = "|".join(re.escape(id_) for id_ in sorted(tombstones, key=len, reverse=True))
    whole = f"(?<!{LETTER_OR_DIGIT})({ids})(?!{LETTER_OR_DIGIT})"
    inscribed = re.sub(whole, lambda match: tombstones[match[1]], reference)
    return inscribed if len(inscribed) <= length_max else None
