"""Webhooks: verifying the signature over the raw bytes, and then parsing the event.

https://docs.stripe.com/webhooks/signature. The SDK's own check decodes the bytes first, and accepts
timestamps far in the future.
"""

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from paywall.processors.stripe.objects import SEAL_LENGTH_MAX, SEALED_ORDER, StripeEventRef

TOLERANCE = timedelta(minutes=5)
HEADER_LENGTH_MAX = 2000
TIMESTAMP = re.compile(r"t=([0-9]{1,12})")
SIGNATURE = re.compile(r"v1=([0-9a-f]{64})")

ID_PATTERN = r"^[A-Za-z0-9_]{1,200}\Z"


class NotFromStripe(Exception):  # noqa: N818 (a result, sent to the caller)
    """Why a webhook is rejected; the text never repeats what was sent."""


def verify(body: bytes, header: str | None, secrets: Iterable[str], now: datetime) -> None:
    """Raises NotFromStripe unless one of the secrets signed this body within the tolerance."""
    parts = [part.strip() for part in (header or "")[:HEADER_LENGTH_MAX].split(",")]
    times = [match[1] for part in parts if (match := TIMESTAMP.fullmatch(part))]
    signatures = [match[1] for part in parts if (match := SIGNATURE.fullmatch(part))]
    if len(times) != 1 or not signatures:
        raise NotFromStripe("The header Stripe-Signature is missing or cannot be read.")
    signed = times[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    # Every pair is compared, so that the time taken reveals nothing.
    matches = [hmac.compare_digest(one, other) for one in expected for other in signatures]
    if not any(matches):
        raise NotFromStripe("The signature is of none of the stripe_webhook_secrets.")
    apart = abs(now.timestamp() - int(times[0]))
    if apart > TOLERANCE.total_seconds():
        raise NotFromStripe("The signature's time is more than five minutes from now.")


class _Object(msgspec.Struct):
    """The object of an event; only ids that are strings are used."""

    id: Any = None
    customer: Any = None
    payment_intent: Any = None
    charge: Any = None
    client_reference_id: Any = None
    success_url: Any = None
    metadata: Any = None


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    id: Annotated[str, Meta(pattern=ID_PATTERN)]
    type: Annotated[str, Meta(pattern=r"^[a-z0-9_.]{1,200}\Z")]
    created: Annotated[int, Meta(ge=0, le=253_402_300_799)]
    livemode: bool
    data: _Data
    account: str | None = None


def read(body: bytes, *, is_live: bool) -> StripeEventRef:
    """Parse a verified body; raises NotFromStripe if it is no event of this account."""
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotFromStripe("The body is not an event of Stripe's.") from error
    if event.livemode is not is_live:
        raise NotFromStripe("The event is of the other mode: test or live, as stripe_secret_key.")
    if event.account is not None:
        raise NotFromStripe("The event is of a connected account, not of this service's own.")
    return _to_event_ref(event)


def event_ref_of(data: dict[str, Any]) -> StripeEventRef:
    """An event from Stripe's list of events."""
    return _to_event_ref(msgspec.convert(data, _Event))


def _to_event_ref(event: _Event) -> StripeEventRef:
    about = event.data.object
    return StripeEventRef(
        event.id,
        event.type,
        _id(about.id) or "",
        datetime.fromtimestamp(event.created, UTC),
        _id(about.customer),
        _id(about.payment_intent),
        _id(about.charge),
        _id(about.client_reference_id),
        about.success_url if isinstance(about.success_url, str) else None,
        _sealed_order(about.metadata),
    )


def _sealed_order(metadata: object) -> str | None:
    value = metadata.get(SEALED_ORDER) if isinstance(metadata, dict) else None
    return value if isinstance(value, str) and len(value) <= SEAL_LENGTH_MAX else None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and re.match(ID_PATTERN, value) else None
