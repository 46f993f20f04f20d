"""One Stripe account in test mode: its objects, its events, and its own time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import stripe

from paywall.sandbox.stripe.refusal import no_such
from paywall.sandbox.stripe.shapes import Json, blank, copy_of

PREFIXES = {
    "account": "acct",
    "billing_portal.session": "bps",
    "charge": "ch",
    "checkout.session": "cs_test",
    "coupon": "coupon",
    "customer": "cus",
    "dispute": "du",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "item": "li",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "price": "price",
    "product": "prod",
    "refund": "re",
    "subscription": "sub",
    "subscription_item": "si",
}


def _see_nothing(_thing: Json) -> None:
    """Nobody looks at what the account tells."""


@dataclass
class Account:
    """Everything that one Stripe account holds; `now` is in Unix seconds, as all its times.

    `series` is part of every id, so that two accounts of one database differ.
    `after_retries` is what becomes of a subscription when the last retry failed: `canceled` or
    `unpaid`. `see` is shown each object that goes out in an event.
    """

    now: int
    series: str = "standin"
    address: str = "http://stripe.invalid"
    see: Callable[[Json], None] = _see_nothing
    after_retries: str = "canceled"
    made: int = 0
    things: dict[str, dict[str, Json]] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)
    undelivered: list[Json] = field(default_factory=list)
    asked: Json = field(default_factory=lambda: {"id": None, "idempotency_key": None})

    @property
    def at(self) -> datetime:
        """The account's time."""
        return datetime.fromtimestamp(self.now, UTC)

    def new(self, kind: str, **fields: object) -> Json:
        """Make and keep an object; its id is a new one unless `id` is given."""
        thing = self.part(kind, **fields)
        self.things.setdefault(kind, {})[thing["id"]] = thing
        return thing

    def part(self, kind: str, **fields: object) -> Json:
        """Make an object that is kept inside another, as an invoice keeps its lines."""
        self.made += 1
        thing = blank(kind)
        thing["id"] = f"{PREFIXES[kind]}_{self.series}{self.made:07}"
        if "created" in thing:
            thing["created"] = self.now
        thing.update(fields)
        return thing

    def find(self, kind: str, thing_id: str, param: str = "id") -> Json:
        """The object with this id; refuses as Stripe does where there is none."""
        thing = self.things.get(kind, {}).get(thing_id)
        if thing is None:
            raise no_such(kind, thing_id, param)
        return thing

    def all(self, kind: str, **equal: object) -> Iterator[Json]:
        """The objects of a kind that have these values, oldest first."""
        for thing in list(self.things.get(kind, {}).values()):
            if all(thing.get(name) == value for name, value in equal.items()):
                yield thing

    def note(self, thing_id: str) -> Json:
        """What Stripe knows of an object and does not print."""
        return self.notes.setdefault(thing_id, {})

    def change(self, thing: Json, told_as: str | None, **fields: object) -> Json:
        """Change an object, and tell of it by an event of this type."""
        before = {
            name: copy_of({"": thing.get(name)})[""]
            for name, value in fields.items()
            if thing.get(name) != value
        }
        thing.update(fields)
        if told_as:
            self.tell(told_as, thing, before)
        return thing

    def tell(self, told_as: str, thing: Json, before: Json | None = None) -> None:
        """Make an event of what happened to an object."""
        data: Json = {"object": copy_of(thing)}
        if before:
            data["previous_attributes"] = before
        event = self.new(
            "event",
            type=told_as,
            data=data,
            api_version=stripe.api_version,
            pending_webhooks=1,
            request=dict(self.asked),
        )
        self.see(thing)
        self.see(event)
        self.undelivered.append(event)
