"""`paywall import articles|grants|unlocks|subscriptions`."""

from typing import BinaryIO

import click

from paywall.cli.errors import FOUND_SOMETHING
from paywall.imports import csv_kinds
from paywall.imports.csv_text import CsvError
from paywall.imports.import_csv import CsvSummary, import_csv
from paywall.imports.progress import on_terminal, with_database
from paywall.imports.row_kinds import RowKind, RowShape
from paywall.load_settings import load_settings
from paywall.rules.enums import UpsertOutcome

ROWS_BETWEEN_LINES = 10_000
OF_ALL = """Columns, in any order: {columns}.

    The file is UTF-8, or UTF-16 with a byte order mark. Commas, semicolons or tabs separate the
    columns, as in the header. Times are in RFC 3339 with an offset, such as
    2026-11-24T19:00:00+07:00. A bad row is reported with its line and how to fix it, and the others
    are imported. Run it again with the corrected file: identical rows change nothing.

    On SQLite, stop the service first. Exit status: 0 done, 1 some rows were bad, 2 used wrongly.

    \b
    Example:
      paywall import {name} {name}.csv
    """

file_argument = click.argument("file", type=click.File("rb"))


@click.command(
    "articles",
    help="""Create or replace articles.

    An article with the same id is replaced.

    An empty body_html keeps the body. Tags, date and kind of preview are kept. Policies:
    free, registered, metered, premium, subscribers. An empty unlock_cost is 1.

    """
    + OF_ALL.format(
        name="articles", columns="article_id,title,url,language,policy,unlock_cost,body_html"
    ),
)
@file_argument
@click.pass_context
def articles(ctx: click.Context, file: BinaryIO) -> None:
    """The help text is in the decorator, because it is formatted."""
    _run(ctx, file, csv_kinds.ARTICLES)


@click.command(
    "grants",
    help="""Grant credits, each reference once.

    Sources: promotion, adjustment, migration. An empty expires_at means never; an empty priority
    is 100.

    """
    + OF_ALL.format(name="grants", columns="reader_id,amount,source,reference,expires_at,priority"),
)
@file_argument
@click.pass_context
def grants(ctx: click.Context, file: BinaryIO) -> None:
    """The help text is in the decorator, because it is formatted."""
    _run(ctx, file, csv_kinds.GRANTS)


@click.command(
    "unlocks",
    help="""Import unlocks; no credits are spent.

    A reader who has already unlocked the article keeps that unlock. The article need not be on
    record.

    """
    + OF_ALL.format(name="unlocks", columns="reader_id,article_id,unlocked_at"),
)
@file_argument
@click.pass_context
def unlocks(ctx: click.Context, file: BinaryIO) -> None:
    """The help text is in the decorator, because it is formatted."""
    _run(ctx, file, csv_kinds.UNLOCKS)


@click.command(
    "subscriptions",
    help="""Import subscriptions.

    A row without a stripe_subscription_id gives or changes the reader's complimentary subscription.
    A row with one describes a subscription in Stripe; one that is on record already is not changed.
    plan_id may be empty.

    """
    + OF_ALL.format(
        name="subscriptions",
        columns="reader_id,plan_id,current_period_end,stripe_subscription_id",
    ),
)
@file_argument
@click.pass_context
def subscriptions(ctx: click.Context, file: BinaryIO) -> None:
    """The help text is in the decorator, because it is formatted."""
    _run(ctx, file, csv_kinds.SUBSCRIPTIONS)


def _run(ctx: click.Context, file: BinaryIO, kind: RowKind[RowShape]) -> None:
    loaded = load_settings()
    progress = on_terminal(file.name, "rows", ROWS_BETWEEN_LINES)
    try:
        summary = with_database(
            loaded, lambda database: import_csv(database, file, kind, loaded, progress)
        )
    except CsvError as error:
        raise click.BadParameter(str(error), param_hint="FILE") from error
    for line in _summary_lines(summary):
        click.echo(line)
    ctx.exit(FOUND_SOMETHING if summary.bad or summary.lines_not_read else 0)


def _summary_lines(summary: CsvSummary) -> list[str]:
    done = summary.outcomes
    return [
        f"new: {done[UpsertOutcome.CREATED]}",
        f"changed: {done[UpsertOutcome.REPLACED]}",
        f"unchanged: {done[UpsertOutcome.UNCHANGED]}",
        f"bad: {summary.bad}",
        *([f"empty: {summary.empty}"] if summary.empty else []),
        *([f"lines not read: {summary.lines_not_read}"] if summary.lines_not_read else []),
    ]
