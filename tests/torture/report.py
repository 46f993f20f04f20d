"""The table at the end of a run."""

from collections.abc import Iterator

from tests.torture.run import Run

LOGGED_CHARACTERS_MAX = 1500


def table(run: Run) -> str:
    return "\n".join(_lines(run))


def _lines(run: Run) -> Iterator[str]:
    journal = run.journal
    yield f"\n{run.kind}, seed {run.seed}, {run.seconds:.0f} s"
    yield f"{'Fault':42} {'times':>6} {'longest until back':>20} {'limit':>7}"
    for name, seconds in sorted(run.back.items()):
        yield f"{name:42} {len(seconds):6} {max(seconds):18.1f} s {run.limits[name]:5.0f} s"
    yield f"{'Promise':62} {'looked at':>10} {'broken':>7}"
    for promise, times in sorted(journal.checked.items()):
        yield f"{promise:62} {times:10,} {len(journal.broken.get(promise, ())):7,}"
    statuses = ", ".join(
        f"{times:,} × {status}" for status, times in sorted(journal.statuses.items())
    )
    yield (
        f"Acknowledged: {len(journal.unlocks):,} unlocks, {len(journal.grants):,} grants,"
        f" {len(journal.purchases):,} purchases, {len(journal.refunds):,} refunds,"
        f" {len(journal.paid):,} checkouts, {len(journal.events):,} events"
        f" ({run.dropped:,} more were dropped, {run.handled_again:,} handled again in order)"
    )
    yield f"Answers: {statuses}; {journal.unanswered:,} requests without one"
    yield from journal.sentences()
    for error in run.errors:
        yield f"Logged: {error[:LOGGED_CHARACTERS_MAX]}"
