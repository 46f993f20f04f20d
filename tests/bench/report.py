"""The figures as a page that a person reads, in Markdown."""

from collections.abc import Iterator, Sequence
from statistics import median

from tests.bench.figures import Checks, Figures, Ratio, ratio
from tests.bench.goals import Goal, goals
from tests.bench.servers import BARE

Row = Sequence[str]


def report(figures: Figures) -> str:
    """The checks, all else, and what was promised."""
    parts = [
        _table(_check_rows(figures)),
        _table(_other_rows(figures)),
        _table(_goal_rows(figures)),
    ]
    return "\n".join([*parts, _machine(figures)])


def _check_rows(figures: Figures) -> Iterator[Row]:
    yield (
        "Connections", "Server", "Requests/s", "of bare", "p50 ms", "p99 ms", "of bare",
        "CPU µs", "of bare", "PostgreSQL's",
    )  # fmt: skip
    for one in figures.checks:
        yield _check_row(one, figures.of(BARE, one.connections))


def _check_row(ours: Checks, bare: Checks) -> Row:
    return (
        str(ours.connections),
        ours.server,
        f"{median(ours.per_second):,.0f}",
        _with_spread(ratio(ours.per_second, bare.per_second)),
        f"{median(ours.p50_ms):.2f}",
        f"{median(ours.p99_ms):.2f}",
        f"{ratio(ours.p99_ms, bare.p99_ms).median:.2f}",
        f"{median(ours.cpu_us):.0f}",
        f"{ratio(ours.cpu_us, bare.cpu_us).median:.2f}",
        f"{median(ours.database_cpu_us):.0f}",
    )


def _other_rows(figures: Figures) -> Iterator[Row]:
    unlocks = figures.unlocks
    yield ("What else", "Figure", "of pgbench")
    for what, rates in (
        ("Unlocks/s, 1,000 readers", unlocks.spread),
        ("Unlocks/s, one reader", unlocks.hot),
        ("pgbench transactions/s", unlocks.pgbench),
    ):
        yield (what, f"{median(rates):,.0f}", _with_spread(ratio(rates, unlocks.pgbench)))
    yield (
        "CPU of an unlock: server's, PostgreSQL's",
        f"{median(unlocks.cpu_us):,.0f} µs, {median(unlocks.database_cpu_us):,.0f} µs",
        "",
    )
    for cost in figures.tokens:
        figure = f"{cost.cold_us:.0f} µs, remembered {cost.remembered_us:.2f} µs"
        yield (f"Token, {cost.algorithm}", figure, "")
    yield ("Memory of a worker after the run", f"{figures.memory_mib:.0f} MiB", "")
    yield ("Start to ready", f"{median(figures.ready_seconds):.2f} s", "")


def _goal_rows(figures: Figures) -> Iterator[Row]:
    yield ("Promise", "Figure", "Limit", "Goal", "Held")
    for goal in goals(figures):
        bound = "at most" if goal.is_ceiling else "at least"
        yield (
            goal.what,
            _number(goal.figure),
            f"{bound} {_number(goal.limit)}",
            _number(goal.goal),
            _verdict(goal),
        )


def _verdict(goal: Goal) -> str:
    if not goal.is_held:
        return "no"
    return "yes" if goal.is_reached else "yes, short of the goal"


def _machine(figures: Figures) -> str:
    return "".join(f"{name}: {what}\n" for name, what in figures.machine.items())


def _with_spread(value: Ratio) -> str:
    return f"{value.median:.2f} ({value.least:.2f}–{value.most:.2f})"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _table(rows: Iterator[Row]) -> str:
    """As Markdown, with its columns one under the other."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *body = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
                   for line in lines]  # fmt: skip
    rule = ["-" * width for width in widths]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *body))
