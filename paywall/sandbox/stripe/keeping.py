"""A stand-in as a file, so that the next start goes on with the same account."""

from pathlib import Path

import msgspec

from paywall.sandbox.stripe.idempotency import Kept
from paywall.sandbox.stripe.shapes import Json
from paywall.sandbox.stripe.standin import StandIn


class Saved(msgspec.Struct):
    """All that an account holds; events that wait for their delivery by id."""

    now: int
    series: str
    made: int
    things: dict[str, dict[str, Json]]
    notes: dict[str, Json]
    undelivered: list[str]
    kept: dict[str, Kept]


def save(stand_in: StandIn, path: Path) -> None:
    """Write the whole account, or leave what was there."""
    account = stand_in.account
    saved = Saved(
        now=account.now,
        series=account.series,
        made=account.made,
        things=account.things,
        notes=account.notes,
        undelivered=[event["id"] for event in account.undelivered],
        kept=stand_in.keys.kept,
    )
    unfinished = path.with_suffix(".new")
    unfinished.write_bytes(msgspec.json.encode(saved))
    unfinished.replace(path)


def load(stand_in: StandIn, path: Path) -> None:
    """Let the stand-in go on where the file left off."""
    saved = msgspec.json.decode(path.read_bytes(), type=Saved)
    account = stand_in.account
    account.now, account.series, account.made = saved.now, saved.series, saved.made
    account.things, account.notes = saved.things, saved.notes
    account.undelivered[:] = [saved.things["event"][event_id] for event_id in saved.undelivered]
    stand_in.keys.kept = saved.kept
