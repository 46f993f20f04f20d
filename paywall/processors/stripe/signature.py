"""Did Stripe send this? The signature of a webhook, over the raw bytes, before anything is read.

https://docs.stripe.com/webhooks/signature. The SDK's own check decodes the bytes first, and takes
a time that lies far ahead.
"""

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from paywall.processors.stripe.objects import StripeEventRef

TOLERANCE = timedelta(minutes=5)
HEADER_LENGTH_MAX = 2000
TIMESTAMP = re.compile(r"t=([0-9]{1,12})")
SIGNATURE = re.compile(r"v1=([0-9a-f]{64})")

ID_PATTERN = r"^[A-Za-z0-9_]{1,200}\Z"


class NotFromStripe(Exception):  # noqa: N818 (a state of things, told to the sender)
    """Why a webhook is not believed; the text never repeats what was sent."""


def verify(body: bytes, header: str | None, secrets: Iterable[str], now: datetime) -> None:
    """Raises NotFromStripe unless one of the secrets signed this body, at about this time."""
    parts = [part.strip() for part in (header or "")[:HEADER_LENGTH_MAX].split(",")]
    times = [match[1] for part in parts if (match := TIMESTAMP.fullmatch(part))]
    signatures = [match[1] for part in parts if (match := SIGNATURE.fullmatch(part))]
    if len(times) != 1 or not signatures:
        raise NotFromStripe("The header Stripe-Signature is missing or cannot be read.")
    signed = times[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    # Every pair is compared, so that the time taken tells nothing.
    matches = [hmac.compare_digest(one, other) for one in expected for other in signatures]
    if not any(matches):
        raise NotFromStripe("The signature is of none of the stripe_webhook_secrets.")
    apart = abs(now.timestamp() - int(times[0]))
    if apart > TOLERANCE.total_seconds():
        raise NotFromStripe("The signature's time is more than five minutes from now.")


class _Object(msgspec.Struct):
    """Whatever an event is about; ids of our kinds of objects are plain words."""

    id: Any = None
    customer: Any = None
    payment_intent: Any = None
    charge: Any = None


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
    """What a verified body tells; raises NotFromStripe for what is no event of this account's."""
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotFromStripe("The body is not an event of Stripe's.") from error
    if event.livemode is not is_live:
        raise NotFromStripe("The event is of the other mode: test or live, as stripe_secret_key.")
    if event.account is not None:
        raise NotFromStripe("The event is of a connected account, not of this service's own.")
    return _hint(event)


def event_ref_of(told: dict[str, Any]) -> StripeEventRef:
    """An event as Stripe's list of events tells it."""
    return _hint(msgspec.convert(told, _Event))


def _hint(event: _Event) -> StripeEventRef:
    about = event.data.object
    return StripeEventRef(
        event.id,
        event.type,
        _id(about.id) or "",
        datetime.fromtimestamp(event.created, UTC),
        _id(about.customer),
        _id(about.payment_intent),
        _id(about.charge),
    )


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and re.match(ID_PATTERN, value) else None
