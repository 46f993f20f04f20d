"""What happened to a reader's credits: a line a change, with what it was for."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from itertools import groupby
from typing import NamedTuple

from paywall.credits.responses import EntryAnswer, GrantAnswer
from paywall.http.paging import Page
from paywall.rules.enums import EntryKind
from paywall.web.pages.html import Writer


class _Change(NamedTuple):
    """`amount` credits came or went; `about`, as HTML, is what it was for."""

    at: datetime
    kind: EntryKind
    amount: int
    about: str


def history(writer: Writer, entries: Page[EntryAnswer], lapsed: Sequence[GrantAnswer]) -> str:
    """What lapsed is told at once: the entry of it is written some minutes later."""
    changes = list(_changes(writer, entries.items))
    if entries.next_cursor is not None:
        # The next page may have more of it.
        changes.pop()
    changes += _lapses(lapsed)
    changes.sort(key=lambda change: change.at, reverse=True)
    lines = [_line(writer, change) for change in changes]
    return writer.section(
        writer.say("your_ledger"), writer.items(lines, writer.say("nothing_happened"))
    )


def _changes(writer: Writer, entries: Sequence[EntryAnswer]) -> Iterator[_Change]:
    """Several grants that paid for one article are one change to whoever paid."""
    for (kind, _), group in groupby(entries, key=lambda one: (one.kind, one.unlock_id or -one.id)):
        same = list(group)
        amount = sum(abs(entry.amount) for entry in same)
        yield _Change(same[0].at, kind, amount, _about(writer, same[0]))


def _lapses(lapsed: Sequence[GrantAnswer]) -> Iterator[_Change]:
    for grant in lapsed:
        if grant.expires_at is not None:
            yield _Change(grant.expires_at, EntryKind.EXPIRED, grant.remaining, "")


def _about(writer: Writer, entry: EntryAnswer) -> str:
    if entry.article is not None:
        return writer.named(entry.article.title or entry.article.id, entry.article.url)
    if entry.kind is EntryKind.GRANTED:
        return escape(writer.say(f"from_{entry.source}"))
    return ""


def _line(writer: Writer, change: _Change) -> str:
    said = writer.say(
        "entry",
        date=writer.language.day(change.at),
        what=writer.say(f"entry_{change.kind}"),
        credits=writer.say("credits", count=change.amount),
    )
    return escape(said) + (f" ({change.about})" if change.about else "")
