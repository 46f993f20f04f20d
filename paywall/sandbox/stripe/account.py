"""One Stripe account in test mode: its objects, its events, and its own time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import stripe

from paywall.sandbox.stripe.errors import no_such_object
from paywall.sandbox.stripe.objects import Json, copy_object, empty_object

PREFIXES = {
    "account": "acct",
    "balance_transaction": "txn",
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
    "subscription_schedule": "sub_sched",
}


def _ignore(_obj: Json) -> None:
    """The default: nobody inspects the objects."""


@dataclass
class StandInAccount:
    """Everything that one Stripe account holds; `now` is in Unix seconds, as are all its times.

    `id_namespace` is part of every id, so that two accounts in one database have different ids.
    `tax_percent` is the rate of the tax that all prices include.
    `after_retries` is a subscription's status after the last retry failed: `canceled` or `unpaid`.
    `on_output` is called with each object that is sent in an event.
    """

    now: int
    id_namespace: str = "standin"
    address: str = "http://stripe.invalid"
    on_output: Callable[[Json], None] = _ignore
    after_retries: str = "canceled"
    tax_percent: int = 0
    created_count: int = 0
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    hidden: dict[str, Json] = field(default_factory=dict)
    undelivered: list[Json] = field(default_factory=list)
    current_request: Json = field(default_factory=lambda: {"id": None, "idempotency_key": None})

    @property
    def at(self) -> datetime:
        """The account's time, with its time zone."""
        return datetime.fromtimestamp(self.now, UTC)

    def create(self, object_type: str, **fields: object) -> Json:
        """Create and store an object, with a new id unless `id` is given."""
        obj = self.build(object_type, **fields)
        self.objects.setdefault(object_type, {})[obj["id"]] = obj
        return obj

    def build(self, object_type: str, **fields: object) -> Json:
        """Create an object that is stored inside another, like the lines of an invoice."""
        self.created_count += 1
        obj = empty_object(object_type)
        obj["id"] = f"{PREFIXES[object_type]}_{self.id_namespace}{self.created_count:07}"
        if "created" in obj:
            obj["created"] = self.now
        obj.update(fields)
        return obj

    def find(self, object_type: str, object_id: str, param: str = "id") -> Json:
        """The object with this id. Raises ApiError as Stripe does for an unknown one."""
        obj = self.objects.get(object_type, {}).get(object_id)
        if obj is None:
            raise no_such_object(object_type, object_id, param)
        return obj

    def find_all(self, object_type: str, **equal: object) -> Iterator[Json]:
        """The objects of this type with these values, oldest first."""
        for obj in list(self.objects.get(object_type, {}).values()):
            if all(obj.get(name) == value for name, value in equal.items()):
                yield obj

    def hidden_fields(self, object_id: str) -> Json:
        """Fields that Stripe stores with an object and does not return."""
        return self.hidden.setdefault(object_id, {})

    def update(self, obj: Json, event_type: str | None, **fields: object) -> Json:
        """Change an object, and emit an event of this type unless it is None."""
        before = {
            name: copy_object({"": obj.get(name)})[""]
            for name, value in fields.items()
            if obj.get(name) != value
        }
        obj.update(fields)
        if event_type:
            self.emit_event(event_type, obj, before)
        return obj

    def emit_event(self, event_type: str, obj: Json, before: Json | None = None) -> None:
        """Create an event about this object, and queue it for delivery."""
        data: Json = {"object": copy_object(obj)}
        if before:
            data["previous_attributes"] = before
        event = self.create(
            "event",
            type=event_type,
            data=data,
            api_version=stripe.api_version,
            pending_webhooks=1,
            request=dict(self.current_request),
        )
        self.on_output(obj)
        self.on_output(event)
        self.undelivered.append(event)
