"""Numbers of receipts, for people: short enough to read out, and the same wherever one is shown."""

import base64
import hashlib
from datetime import datetime

PART_CHARS = 4


def receipt_number(identity: str, at: datetime) -> str:
    """Such as `2026-K3QZ-7T4M`: the year, and a code of what the receipt is of.

    It does not give away how many receipts there are, as a count would.
    """
    digest = hashlib.sha256(f"receipt {identity}".encode()).digest()
    code = base64.b32encode(digest).decode()
    return f"{at.year}-{code[:PART_CHARS]}-{code[PART_CHARS : 2 * PART_CHARS]}"


def payment_number(purchase_id: int, processor: str, reference: str, at: datetime) -> str:
    """The number of the receipt of a payment."""
    return receipt_number(f"{purchase_id} {processor} {reference}", at)
