"""The list of what happened, and the signed events that tell of it.

https://docs.stripe.com/webhooks#verify-manually has how one is signed.
"""

import hmac
from hashlib import sha256
from random import Random
from typing import NamedTuple

import msgspec

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.forms import text, truth
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.periods import DAY_SECONDS
from paywall.sandbox.stripe.shapes import Json

KEPT_DAYS = 30


class Delivery(NamedTuple):
    """One event as it is sent: a POST with this body and these headers."""

    event_id: str
    type: str
    payload: bytes
    headers: dict[str, str]


def list_events(account: Account, given: Json) -> Json:
    """Events of the last 30 days, of one type or several, delivered or not."""
    types = given.get("types") or ([given["type"]] if text(given, "type") else None)
    delivered = truth(given, "delivery_success")
    waiting = {event["id"] for event in account.undelivered}
    rows = [
        event
        for event in account.all("event")
        if event["created"] > account.now - KEPT_DAYS * DAY_SECONDS
        and (types is None or event["type"] in types)
        and (delivered is None or delivered == (event["id"] not in waiting))
    ]
    return page(rows, given, "/v1/events")


def drain(
    account: Account,
    secret: str,
    *,
    shuffle: Random | None = None,
    repeat: float = 0,
    drop: float = 0,
) -> list[Delivery]:
    """What was not delivered yet, signed; `repeat` and `drop` are shares from 0 to 1.

    Without `shuffle` they come in order; a dropped one is only in the list of events from then on.
    """
    chance = shuffle or Random(account.made)  # noqa: S311 (a test plays it again)
    sent = [event for event in account.undelivered if chance.random() >= drop]
    account.undelivered.clear()
    sent += [event for event in sent if chance.random() < repeat]
    if shuffle:
        shuffle.shuffle(sent)
    return [signed(event, secret, account.now) for event in sent]


def signed(event: Json, secret: str, now: int) -> Delivery:
    """The event with its signature, made at this Unix second."""
    payload = msgspec.json.encode(event)
    return Delivery(
        event["id"],
        event["type"],
        payload,
        {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secret, now),
        },
    )


def signature(payload: bytes, secret: str, now: int) -> str:
    """The value of the header `Stripe-Signature`."""
    digest = hmac.new(secret.encode(), b"%d." % now + payload, sha256).hexdigest()
    return f"t={now},v1={digest}"
