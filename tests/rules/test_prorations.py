"""When a credit for the rest of an invoice's period counts, and for how long."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.calendar import FAR_FUTURE
from paywall.rules.prepaid import Span
from paywall.rules.prorations import Proration, counts_now, times_in_force
from tests.conftest import START

Refunds = Mapping[str, Sequence[Span]]
DAYS = [START + timedelta(day) for day in range(10)]
# A month, a dearer month for the rest of it, and a year for the rest of that.
MONTH_TO_LARGE = Proration("a", "large", "month", DAYS[1])
LARGE_TO_YEAR = Proration("b", "year", "large", DAYS[3])


def times(*days: int | None) -> list[Span]:
    """From one day to the other, and so on; None is no end."""
    at = [FAR_FUTURE if day is None else DAYS[day] for day in days]
    return [Span(at[n], at[n + 1]) for n in range(0, len(at), 2)]


@pytest.mark.parametrize(
    ("refunded", "counts", "now"),
    [
        ({}, times(1, None), True),
        ({"month": times(1, None)}, times(1, None), True),
        ({"large": times(2, None)}, times(1, 2), False),
        ({"large": times(2, 4)}, times(1, 2, 4, None), True),
        ({"large": times(1, None)}, [], False),
    ],
)
def test_a_refund_withdraws_a_credit_from_its_own_time_on(
    refunded: Refunds, counts: list[Span], *, now: bool
) -> None:
    assert times_in_force([MONTH_TO_LARGE], refunded) == {"a": counts}
    assert counts_now(counts) is now


@pytest.mark.parametrize(
    ("refunded", "counts"),
    [
        # The year has taken over what the month had left.
        ({"large": times(4, None)}, [0, 1, 1, 1, 1, 1, 1]),
        # Until the year is bought, the month goes on.
        ({"large": times(2, None)}, [0, 1, 0, 1, 1, 1, 1]),
        ({"large": times(2, None), "year": times(4, 5)}, [0, 1, 0, 1, 0, 1, 1]),
        ({"year": times(4, None)}, [0, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_a_credit_that_was_passed_on_counts_while_the_last_is_paid(
    refunded: Refunds, counts: list[int]
) -> None:
    spans = times_in_force([LARGE_TO_YEAR, MONTH_TO_LARGE], refunded)["a"]
    assert [any(span.contains(day) for span in spans) for day in DAYS[:7]] == [*map(bool, counts)]


def test_a_credit_by_an_unknown_invoice_counts_for_ever() -> None:
    old = Proration("a", None, "month", DAYS[1])
    assert times_in_force([old], {}) == {"a": times(1, None)}


def counts_at(proration: Proration, prorations: list[Proration], refunded: Refunds, at: datetime,
              before: frozenset[str] = frozenset()) -> bool:  # fmt: skip
    """By the definition: its invoice is paid, or credited in turn."""
    if at < proration.starts_at or proration.id in before:
        return False
    invoice_id = proration.invoice_id or ""
    is_paid = not any(span.contains(at) for span in refunded.get(invoice_id, ()))
    return is_paid or any(
        counts_at(later, prorations, refunded, at, before | {proration.id})
        for later in prorations
        if later.credited_invoice_id == proration.invoice_id
    )


invoices = st.sampled_from(["i1", "i2", "i3", "i4"])
spans = st.tuples(st.sampled_from(DAYS), st.sampled_from([*DAYS, FAR_FUTURE])).map(Span._make)


@given(
    st.lists(st.tuples(invoices, invoices, st.sampled_from(DAYS)), max_size=6),
    st.dictionaries(invoices, st.lists(spans, max_size=2)),
)
def test_any_chain_of_credits_counts_as_defined(
    drawn: list[tuple[str, str, datetime]], refunded: Refunds
) -> None:
    prorations = [Proration(str(n), *one) for n, one in enumerate(drawn)]
    found = times_in_force(prorations, refunded)
    for proration in prorations:
        counts = [any(span.contains(at) for span in found[proration.id]) for at in DAYS]
        assert counts == [counts_at(proration, prorations, refunded, at) for at in DAYS]
