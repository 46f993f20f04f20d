"""Saves a stand-in to a file, so that the next start continues with the same account."""

from pathlib import Path

import msgspec

from paywall.sandbox.stripe.idempotency import ReplayableResponse
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.stand_in import StandIn


class SavedAccount(msgspec.Struct):
    """Everything that an account holds, in the file's field names; undelivered events by id."""

    now: int
    id_namespace: str = msgspec.field(name="series")
    created_count: int = msgspec.field(name="made")
    objects: dict[str, dict[str, Json]] = msgspec.field(name="things")
    hidden: dict[str, Json] = msgspec.field(name="notes")
    undelivered: list[str]
    responses: dict[str, ReplayableResponse] = msgspec.field(name="kept")


def save_state(stand_in: StandIn, path: Path) -> None:
    """Replace the file with the current state, as one operation."""
    account = stand_in.account
    saved = SavedAccount(
        now=account.now,
        id_namespace=account.id_namespace,
        created_count=account.created_count,
        objects=account.objects,
        hidden=account.hidden,
        undelivered=[event["id"] for event in account.undelivered],
        responses=stand_in.keys.responses,
    )
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.encode(saved))
    unfinished.replace(path)


def load_state(stand_in: StandIn, path: Path) -> None:
    """Restore the state that the file has."""
    saved = msgspec.json.decode(path.read_bytes(), type=SavedAccount)
    account = stand_in.account
    account.now, account.id_namespace, account.created_count = (
        saved.now,
        saved.id_namespace,
        saved.created_count,
    )
    account.objects, account.hidden = saved.objects, saved.hidden
    account.undelivered[:] = [saved.objects["event"][event_id] for event_id in saved.undelivered]
    stand_in.keys.responses = saved.responses
