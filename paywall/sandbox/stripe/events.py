"""The list of events, and their delivery with signatures.

Signatures: https://docs.stripe.com/webhooks#verify-manually
"""

import hmac
from hashlib import sha256
from random import Random
from typing import NamedTuple

import msgspec

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.forms import optional_boolean, optional_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.pagination import paginate
from paywall.sandbox.stripe.periods import DAY_SECONDS

LISTED_DAYS = 30


class WebhookDelivery(NamedTuple):
    """The POST of one event: its body and headers."""

    event_id: str
    type: str
    payload: bytes
    headers: dict[str, str]


def list_events(account: StandInAccount, params: Json) -> Json:
    """Events of the last 30 days, by type and by whether they were delivered."""
    types = params.get("types") or ([params["type"]] if optional_text(params, "type") else None)
    delivered = optional_boolean(params, "delivery_success")
    undelivered = {event["id"] for event in account.undelivered}
    rows = [
        event
        for event in account.find_all("event")
        if event["created"] > account.now - LISTED_DAYS * DAY_SECONDS
        and (types is None or event["type"] in types)
        and (delivered is None or delivered == (event["id"] not in undelivered))
    ]
    return paginate(rows, params, "/v1/events")


def drain_deliveries(
    account: StandInAccount,
    secret: str,
    *,
    shuffle: Random | None = None,
    repeat: float = 0,
    drop: float = 0,
) -> list[WebhookDelivery]:
    """Take the undelivered events, signed; `repeat` and `drop` are shares from 0 to 1.

    Without `shuffle` they are in order. A dropped event remains in the list of events only.
    """
    chance = shuffle or Random(account.created_count)  # noqa: S311 (reproducible in tests)
    sent = [event for event in account.undelivered if chance.random() >= drop]
    account.undelivered.clear()
    sent += [event for event in sent if chance.random() < repeat]
    if shuffle:
        shuffle.shuffle(sent)
    return [sign_event(event, secret, account.now) for event in sent]


def sign_event(event: Json, secret: str, now: int) -> WebhookDelivery:
    """The delivery of this event, signed at this Unix second."""
    payload = msgspec.json.encode(event)
    return WebhookDelivery(
        event["id"],
        event["type"],
        payload,
        {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature_header(payload, secret, now),
        },
    )


def signature_header(payload: bytes, secret: str, now: int) -> str:
    """The value of the header `Stripe-Signature`."""
    digest = hmac.new(secret.encode(), b"%d." % now + payload, sha256).hexdigest()
    return f"t={now},v1={digest}"
