"""What an invoice takes back from earlier ones, and the time that it charges for."""

from datetime import datetime, timedelta

import pytest

from paywall.database.tables import Plan
from paywall.processors.stripe.invoice_grants import SoldLine
from paywall.processors.stripe.invoice_lines import InvoiceContents, ProrationCredit, read_lines
from paywall.processors.stripe.objects import InvoiceLine
from paywall.rules.enums import CreditsExpire, Interval
from tests.conftest import START

SWITCH, END, YEAR_END = (START + timedelta(days) for days in (10, 30, 375))


def line(
    line_id: str, amount: int, credited: str | None = None, *, is_proration: bool = True
) -> InvoiceLine:
    is_credit = amount < 0 or credited is not None
    return InvoiceLine(line_id, "price", SWITCH, END, is_proration, amount, is_credit, credited)


def credit(line_id: str, invoice_id: str, amount: int) -> ProrationCredit:
    return ProrationCredit(line_id, invoice_id, SWITCH, amount, None)


def read(lines: list[InvoiceLine], plan: Plan | None = None) -> InvoiceContents:
    sold = [SoldLine(line, plan if line.price_id == "plan" else None) for line in lines]
    return read_lines(sold, None)


YEAR = InvoiceLine("y", "price", SWITCH, YEAR_END, is_proration=False, amount=6000, is_credit=False)


@pytest.mark.parametrize(
    ("lines", "prorations"),
    [
        ([line("a", -400, "in_1"), YEAR], [credit("a", "in_1", 400)]),
        ([line("a", -400, "in_1"), line("b", 1200)], [credit("a", "in_1", 400)]),
        ([line("a", -1200, "in_1"), line("b", 400)], [credit("a", "in_1", 1200)]),
        ([line("a", 0, "in_1"), line("b", 400)], [credit("a", "in_1", 0)]),
        ([line("a", -400, "in_1")], [credit("a", "in_1", 400)]),
        ([line("a", -400)], []),
        ([line("a", 400, is_proration=False)], []),
        # A coupon or a correction by hand is no proration.
        ([line("a", -400, is_proration=False)], []),
        # A credit of a charge that was not invoiced before takes nothing back.
        (
            [line("a", -400, "in_1"), line("b", 800), line("c", -600), YEAR],
            [credit("a", "in_1", 400)],
        ),
        ([line("a", -400, "in_1"), line("b", -900), line("c", 800)], [credit("a", "in_1", 400)]),
        (
            [line("b", -300, "in_1"), line("a", -200, "in_2"), line("c", 100)],
            [credit("a", "in_2", 200), credit("b", "in_1", 300)],
        ),
    ],
)
def test_the_whole_of_each_credit_of_an_invoice_counts(
    lines: list[InvoiceLine], prorations: list[ProrationCredit]
) -> None:
    assert read(lines).prorations == prorations
    assert read(lines[::-1]).prorations == prorations


def since(days: int, amount: int) -> InvoiceLine:
    """A proration of no invoice, from some days after the start on."""
    return line(f"at{days}", amount)._replace(starts_at=START + timedelta(days))


@pytest.mark.parametrize(
    ("lines", "period"),
    [
        # What was charged and credited again before it came on an invoice.
        ([line("a", 800), since(20, -400)], (SWITCH, START + timedelta(20))),
        ([line("a", 800), line("b", -800)], (SWITCH, SWITCH)),
        ([line("a", 800), since(20, -400), since(20, 300)], (SWITCH, END)),
        (
            [line("a", 800), since(20, -400), since(20, 300), since(25, -1)],
            (SWITCH, START + timedelta(25)),
        ),
        ([YEAR], (SWITCH, YEAR_END)),
        ([YEAR._replace(amount=-1, is_credit=True), line("b", 1)], (SWITCH, END)),
        ([line("a", -400, "in_1")], (SWITCH, SWITCH)),
        ([line("a", 0, "in_1")], (SWITCH, SWITCH)),
        ([line("a", 0), YEAR._replace(starts_at=END)], (SWITCH, YEAR_END)),
    ],
)
def test_a_credit_does_not_extend_the_period_of_its_invoice(
    lines: list[InvoiceLine], period: tuple[datetime, datetime]
) -> None:
    for ordered in (lines, lines[::-1]):
        contents = read(ordered)
        assert (contents.starts_at, contents.ends_at) == period


PLAN = Plan(
    id="plan", title="", prices=[], created_at=START, interval=Interval.MONTH, interval_count=1,
    credits=0, credits_expire=CreditsExpire.NEVER,
)  # fmt: skip
MONTH = InvoiceLine(
    "m", "plan", SWITCH, END, is_proration=False, amount=600, is_credit=False, item_id="si_plan"
)
ADD_ON = MONTH._replace(id="x", price_id="other", amount=900, item_id="si_add_on")


@pytest.mark.parametrize(
    ("lines", "period", "item_id"),
    [
        ([MONTH, ADD_ON], (SWITCH, END), "si_plan"),
        # An add-on for another time gives none of it.
        ([MONTH, ADD_ON._replace(starts_at=START, ends_at=YEAR_END)], (SWITCH, END), "si_plan"),
        ([ADD_ON, MONTH._replace(starts_at=START, ends_at=SWITCH)], (START, SWITCH), "si_plan"),
        # The item was at another price before.
        (
            [MONTH, MONTH._replace(id="n", price_id="other", starts_at=START, ends_at=SWITCH)],
            (START, END),
            "si_plan",
        ),
        ([ADD_ON], (SWITCH, END), "si_add_on"),
        ([MONTH._replace(item_id=None), ADD_ON], (SWITCH, END), None),
        # What an add-on's credit withdraws is no charge for the plan.
        (
            [
                MONTH._replace(is_proration=True),
                ADD_ON._replace(id="y", is_proration=True, amount=-300, is_credit=True,
                                starts_at=SWITCH + timedelta(5)),
            ],
            (SWITCH, END),
            "si_plan",
        ),
    ],
)  # fmt: skip
def test_an_add_on_gives_no_time_beside_a_plan(
    lines: list[InvoiceLine], period: tuple[datetime, datetime], item_id: str | None
) -> None:
    for ordered in (lines, lines[::-1]):
        contents = read(ordered, PLAN)
        assert (contents.starts_at, contents.ends_at) == period
        assert contents.item_id == item_id
