"""What a Checkout session carries, encrypted, so that a restored database knows whose it is.

A backup lacks the checkouts that were begun after it, and Stripe has no reader's id. The key is in
the database and so in its backups; to everybody else the seal is noise.
"""

import base64
import binascii
from datetime import datetime

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from paywall.processors.stripe.objects import SEAL_LENGTH_MAX

PURPOSE = b"paywall: order of a Checkout session"


class SealedOrder(msgspec.Struct, frozen=True, array_like=True):
    """Who ordered what, and whether they agreed to get it at once."""

    reader_id: str
    price_id: str
    consent_at: datetime | None


def seal(order: SealedOrder, *, checkout_id: str, hash_key: str) -> str | None:
    """The same order gets the same seal: Stripe refuses a repeated request that differs.

    None if it is too long for Stripe, which takes an id of more than 80 Khmer letters.
    """
    content = _cipher(hash_key).encrypt(msgspec.json.encode(order), [checkout_id.encode()])
    text = base64.urlsafe_b64encode(content).decode()
    return text if len(text) <= SEAL_LENGTH_MAX else None


def unseal(text: str, *, checkout_id: str, hash_key: str) -> SealedOrder | None:
    """The order of this checkout; None if it was sealed with another key or for another one."""
    try:
        content = _cipher(hash_key).decrypt(base64.urlsafe_b64decode(text), [checkout_id.encode()])
        return msgspec.json.decode(content, type=SealedOrder)
    except (binascii.Error, InvalidTag, ValueError):
        return None


def _cipher(hash_key: str) -> AESSIV:
    derived = HKDF(algorithm=SHA256(), length=64, salt=None, info=PURPOSE)
    return AESSIV(derived.derive(bytes.fromhex(hash_key)))
