"""What can be typed after `paywall import articles|grants|unlocks|subscriptions`."""

from typing import BinaryIO

import click

from paywall import settings
from paywall.imports import csv_kinds
from paywall.imports.csv_rows import RowShape
from paywall.imports.csv_text import CsvError
from paywall.imports.import_csv import Import, Summary, import_csv
from paywall.imports.progress import FOUND_SOMETHING, on_terminal, with_database
from paywall.rules.enums import UpsertOutcome

ROWS_BETWEEN_LINES = 10_000
OF_ALL = """Columns, in any order: {columns}.

    UTF-8, or UTF-16 with a byte order mark; commas, semicolons or tabs separate the columns, as
    the header has them. Times in RFC 3339 with an offset, such as 2026-11-24T19:00:00+07:00. A bad
    row is named with its line and how to fix it, and the others are imported. Run it again with
    the fixed file: what is the same stays as it is.

    On SQLite, stop the service first. Exit status: 0 done, 1 some rows were bad, 2 used wrongly.

    \b
    Example:
      paywall import {name} {name}.csv
    """

file_argument = click.argument("file", type=click.File("rb"))


@click.command(
    "articles",
    help="""Make articles, or replace them.

    An article of the same id is replaced.

    An empty body_html keeps the body; tags, date and the kind of preview stay. Policies:
    free, registered, metered, premium, subscribers. An empty unlock_cost is 1.

    """
    + OF_ALL.format(
        name="articles", columns="article_id,title,url,language,policy,unlock_cost,body_html"
    ),
)
@file_argument
@click.pass_context
def articles(ctx: click.Context, file: BinaryIO) -> None:
    """The help is above: it names the columns."""
    _run(ctx, file, csv_kinds.ARTICLES)


@click.command(
    "grants",
    help="""Grant credits, each reference once.

    Sources: promotion, adjustment, migration. An empty expires_at is never, an empty priority 100.

    """
    + OF_ALL.format(name="grants", columns="reader_id,amount,source,reference,expires_at,priority"),
)
@file_argument
@click.pass_context
def grants(ctx: click.Context, file: BinaryIO) -> None:
    """The help is above: it names the columns."""
    _run(ctx, file, csv_kinds.GRANTS)


@click.command(
    "unlocks",
    help="""Take over unlocks; no credits are spent.

    A reader who has the article unlocked already keeps that unlock. The article need not be here.

    """
    + OF_ALL.format(name="unlocks", columns="reader_id,article_id,unlocked_at"),
)
@file_argument
@click.pass_context
def unlocks(ctx: click.Context, file: BinaryIO) -> None:
    """The help is above: it names the columns."""
    _run(ctx, file, csv_kinds.UNLOCKS)


@click.command(
    "subscriptions",
    help="""Take over subscriptions.

    Without a stripe_subscription_id it is the reader's complimentary one, given or changed. With
    one it is Stripe's; if that is on record already, it stays as it is. plan_id may be empty.

    """
    + OF_ALL.format(
        name="subscriptions",
        columns="reader_id,plan_id,current_period_end,stripe_subscription_id",
    ),
)
@file_argument
@click.pass_context
def subscriptions(ctx: click.Context, file: BinaryIO) -> None:
    """The help is above: it names the columns."""
    _run(ctx, file, csv_kinds.SUBSCRIPTIONS)


def _run(ctx: click.Context, file: BinaryIO, kind: Import[RowShape]) -> None:
    loaded = settings.load_settings()
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


def _summary_lines(summary: Summary) -> list[str]:
    done = summary.outcomes
    return [
        f"new: {done[UpsertOutcome.CREATED]}",
        f"changed: {done[UpsertOutcome.REPLACED]}",
        f"unchanged: {done[UpsertOutcome.UNCHANGED]}",
        f"bad: {summary.bad}",
        *([f"empty: {summary.empty}"] if summary.empty else []),
        *([f"lines not read: {summary.lines_not_read}"] if summary.lines_not_read else []),
    ]
