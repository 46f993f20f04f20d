"""For any facts, prepaid time is used as the slow model uses it, hour by hour."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import hypothesis
from hypothesis import strategies as st

from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.enums import Interval
from paywall.rules.prepaid import Cover, Length, PrepaidPayment, SequenceMerge, Span, schedule
from tests.conftest import IS_LONG
from tests.histories import prepaid_model as model

# Months differ from here on, and clocks change in New York and Berlin.
BEGIN = datetime(2027, 1, 29, 3, tzinfo=UTC)
HOURS_MAX = 24 * 75
ZONES = ("UTC", "Asia/Phnom_Penh", "America/New_York", "Europe/Berlin")
INTERVALS = {Interval.DAY: 24, Interval.WEEK: 24 * 7}
MONTHS = {Interval.MONTH: 1, Interval.YEAR: 12}
# The reader's own sequence, and those of two who were merged into it or into each other.
OWN, FIRST, SECOND = None, "first", "second"
# Whole days meet more often than hours do.
HOURS = st.one_of(
    st.integers(0, HOURS_MAX), st.integers(0, HOURS_MAX // 24).map(lambda days: 24 * days)
)


class Facts(NamedTuple):
    payments: list[PrepaidPayment]
    covers: list[Cover]
    merges: dict[str, SequenceMerge]


@st.composite
def spans(draw: st.DrawFn) -> Span:
    starts, lasts = draw(HOURS), draw(st.sampled_from((1, 24, 24 * 5, 24 * 28)))
    return Span(BEGIN + timedelta(hours=starts), BEGIN + timedelta(hours=starts + lasts))


@st.composite
def payments(draw: st.DrawFn) -> PrepaidPayment:
    interval = draw(st.sampled_from([*Interval, Interval.MONTH, Interval.MONTH]))
    length = Length(interval, draw(st.integers(1, 3)), ZoneInfo(draw(st.sampled_from(ZONES))))
    removed = draw(st.lists(spans(), max_size=2))
    if draw(st.booleans()):
        removed.append(Span(BEGIN + timedelta(hours=draw(HOURS)), FAR_FUTURE))
    paid_at = BEGIN + timedelta(hours=draw(HOURS) // 2)
    return PrepaidPayment(paid_at, length, tuple(removed), draw(sequences))


sequences = st.sampled_from((OWN, OWN, FIRST, SECOND))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    first, second = sorted((draw(HOURS), draw(HOURS)))
    merges = {
        FIRST: SequenceMerge(draw(st.sampled_from((OWN, SECOND))), BEGIN + timedelta(hours=first)),
        SECOND: SequenceMerge(OWN, BEGIN + timedelta(hours=second)),
    }
    covers = [Cover(span, draw(sequences)) for span in draw(st.lists(spans(), max_size=3))]
    paid = draw(st.lists(payments(), min_size=1, max_size=5))
    return Facts(sorted(paid, key=lambda one: one.paid_at), covers, merges)


def holder(sequence: str | None, merges: dict[str, SequenceMerge]) -> model.Holder:
    ids = [(BEGIN, sequence or "own")]
    while sequence is not None:
        merge = merges[sequence]
        ids.append((merge.merged_at, merge.into_id or "own"))
        sequence = merge.into_id
    return model.Holder(ids)


def clawback(span: Span) -> model.Clawback:
    has_end = span.ends_at != FAR_FUTURE
    return model.Clawback(1, span.starts_at, span.ends_at if has_end else None)


def by_the_model(given: Facts) -> list[list[Span]]:
    slow = model.PrepaidModel()
    for number, payment in enumerate(given.payments):
        length = payment.length
        removed = {str(n): clawback(span) for n, span in enumerate(payment.removed)}
        slow.prepaid.append(
            model.Prepaid(
                holder(payment.sequence_id, given.merges), 1, payment.paid_at, ("", f"{number}"),
                hours=INTERVALS.get(length.interval, 0) * length.intervals,
                months=MONTHS.get(length.interval, 0) * length.intervals,
                zone=str(length.zone), clawbacks=removed,
            )
        )  # fmt: skip
    slow.covers = [
        model.Cover(holder(cover.sequence_id, given.merges), 0, *cover.span)
        for cover in given.covers
    ]
    slow.play()
    return [[Span(*span) for span in one.uses] for one in slow.prepaid]


@hypothesis.settings(max_examples=20_000 if IS_LONG else 300)
@hypothesis.given(facts())
def test_any_schedule_equals_the_slow_models(given: Facts) -> None:
    assert schedule(*given) == by_the_model(given)


@hypothesis.given(facts())
def test_uses_never_overlap_within_a_sequence(given: Facts) -> None:
    end = max(merge.merged_at for merge in given.merges.values())
    uses = sorted(span for spans_ in schedule(*given) for span in spans_)
    joined = [span for span in uses if span.starts_at >= end]
    assert all(one.ends_at <= after.starts_at for one, after in pairwise(joined))
