"""A stand-in as a file, so that the next start goes on with the same account."""

from pathlib import Path

import msgspec

from paywall.sandbox.stripe.idempotency import ReplayableResponse
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.stand_in import StandIn


class SavedAccount(msgspec.Struct):
    """All that an account holds; events that wait for their delivery by id."""

    now: int
    series: str
    made: int
    things: dict[str, dict[str, Json]]
    notes: dict[str, Json]
    undelivered: list[str]
    kept: dict[str, ReplayableResponse]


def save_state(stand_in: StandIn, path: Path) -> None:
    """Write the whole account, or leave what was there."""
    account = stand_in.account
    saved = SavedAccount(
        now=account.now,
        series=account.id_namespace,
        made=account.created_count,
        things=account.objects,
        notes=account.hidden,
        undelivered=[event["id"] for event in account.undelivered],
        kept=stand_in.keys.responses,
    )
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.encode(saved))
    unfinished.replace(path)


def load_state(stand_in: StandIn, path: Path) -> None:
    """Let the stand-in go on where the file left off."""
    saved = msgspec.json.decode(path.read_bytes(), type=SavedAccount)
    account = stand_in.account
    account.now, account.id_namespace, account.created_count = saved.now, saved.series, saved.made
    account.objects, account.hidden = saved.things, saved.notes
    account.undelivered[:] = [saved.things["event"][event_id] for event_id in saved.undelivered]
    stand_in.keys.responses = saved.kept
