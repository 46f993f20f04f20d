"""`paywall import wordpress`."""

import asyncio
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TextIO

import click

from paywall.cli.errors import FOUND_SOMETHING
from paywall.database.opening import open_database
from paywall.imports.progress import on_terminal
from paywall.imports.wordpress.folder import GETPAID, META_FILES, WordPressFolder
from paywall.imports.wordpress.import_wordpress import (
    ImportedPost,
    ImportedReader,
    ImportReport,
    WordPressImport,
    WordPressSummary,
    import_wordpress,
)
from paywall.imports.wordpress.oddities import TO_DO, Oddity
from paywall.imports.wordpress.old_reader import OldReader
from paywall.imports.wordpress.plugin_fields import HEADER, plugin_fields
from paywall.load_settings import load_settings
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.context import StripeContext
from paywall.rules.enums import UpsertOutcome
from paywall.settings import Settings

ROWS_BETWEEN_LINES = 100_000
READERS_BETWEEN_LINES = 1_000
OTHER_KEYS_SHOWN_MAX = 10


@click.command(
    "wordpress",
    help="""Import the data of Penci Paywall or JNews Paywall.

    FOLDER holds users.csv, posts.csv, terms.csv and settings.json, which the SQL in
    docs/moving-from-penci-or-jnews.md writes; that page describes them.

    Unlocked posts become unlocks without spending credits, what is left becomes one grant, Stripe
    subscriptions are linked, and others become complimentary to their end. Each reader is shown
    before and after, and everything unusual is listed on standard error.

    Begin with --dry-run. The import can be stopped and repeated: what was imported is never changed
    or given again. On SQLite, stop the service first, for a dry run too. Exit status: 0 done, 1
    something is left for you to do, 2 used wrongly.

    \b
    Examples:
      paywall import wordpress export/ --dry-run --policies policies.csv
      paywall import wordpress export/
    """,
)
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path)
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would happen, and change nothing. Begin with this."
)
@click.option(
    "--policies",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="A file to write: CSV with the policies of the gated posts, as fields of the plug-in for"
    " WordPress, which decides by them.",
)
@click.pass_context
def wordpress(ctx: click.Context, folder: Path, *, dry_run: bool, policies: TextIO | None) -> None:
    """The help text is in the decorator, because it is formatted."""
    with closing(WordPressFolder(folder)) as opened:
        opened.load({
            name: on_terminal(name, f"rows of {name}", ROWS_BETWEEN_LINES)
            for name in (*META_FILES, GETPAID)
        })  # fmt: skip
        lines = _PostLines(policies, opened.settings.article_prefix)
        summary = asyncio.run(_import(load_settings(), opened, lines, is_dry_run=dry_run))
        bad_rows = opened.bad
    for line in _summary_lines(summary, bad_rows, is_dry_run=dry_run):
        click.echo(line)
    is_left = bad_rows or any(kind in TO_DO for kind in summary.oddities)
    ctx.exit(FOUND_SOMETHING if is_left else 0)


async def _import(
    loaded: Settings, folder: WordPressFolder, posts: "_PostLines", *, is_dry_run: bool
) -> WordPressSummary:
    async with open_database(loaded) as database:
        client = StripeClient(loaded) if loaded.sells_by_stripe else None
        stripe = StripeContext(database, client, loaded) if client else None
        report = ImportReport(_ReaderLines().show, posts.show)
        try:
            return await import_wordpress(
                WordPressImport(database, stripe, folder, report, is_dry_run)
            )
        finally:
            if client is not None:
                await client.close()


class _ReaderLines:
    """Shows readers, and regularly how many there were."""

    def __init__(self) -> None:
        self.readers = 0

    def show(self, reader: ImportedReader) -> None:
        click.echo(f"reader {reader.plan.reader_id}: {_before(reader.old)} -> {_after(reader)}")
        for oddity in reader.oddities:
            _show_oddity("users.csv", f"reader {reader.plan.reader_id}", oddity)
        self.readers += 1
        if self.readers % READERS_BETWEEN_LINES == 0 and not sys.stdout.isatty():
            click.echo(f"{self.readers} readers", err=True)


class _PostLines:
    """Shows posts that change or are odd, for a site has many, and writes the file of policies."""

    def __init__(self, policies: TextIO | None, article_prefix: str) -> None:
        self.article_prefix = article_prefix
        self.writer = None if policies is None else csv.writer(policies)
        if self.writer is not None:
            self.writer.writerow(HEADER)

    def show(self, post: ImportedPost) -> None:
        plan = post.plan
        if post.outcome is UpsertOutcome.REPLACED:
            click.echo(f"post {plan.article_id}: {plan.policy}")
        for oddity in plan.oddities:
            _show_oddity("posts.csv", f"post {plan.article_id}", oddity)
        if self.writer is not None:
            self.writer.writerows(plugin_fields(plan, self.article_prefix))


def _show_oddity(file_name: str, whose: str, oddity: Oddity) -> None:
    line = f"{file_name}:{oddity.line}: " if oddity.line else ""
    field = f"{oddity.field}: " if oddity.field else ""
    detail = f" ({oddity.detail})" if oddity.detail else ""
    mark = "TO DO: " if oddity.kind in TO_DO else ""
    click.echo(f"{mark}{line}{whose}: {field}{oddity.kind}{detail}", err=True)


def _before(old: OldReader) -> str:
    subscriptions = [
        f"subscribed until {one.end_text or 'no date'} ({', '.join(one.ids) or 'no processor'})"
        for one in old.subscriptions
        if one.is_open
    ]
    had = [_number(old.credits, "credit"), _number(len(old.post_ids), "post")]
    return ", ".join([*had, *subscriptions])


def _after(reader: ImportedReader) -> str:
    put = reader.put
    linked = [link.access_until for link in reader.links]
    ends = [end for end in (put.state.access_until, *linked) if end is not None]
    access = [f"subscribed until {max(ends):%Y-%m-%d %H:%M} UTC"] if ends else []
    new = [
        *([_number(put.new_credits, "credit")] if put.new_credits else []),
        *([_number(put.new_unlocks, "unlock")] if put.new_unlocks else []),
        *(["a complimentary subscription"] if put.is_newly_complimentary else []),
        *(link.stripe_id for link in reader.links if link.is_new),
    ]
    state = [_number(put.state.credits, "credit"), _number(put.state.unlocks, "unlock"), *access]
    return f"{', '.join(state)}; new: {', '.join(new) or 'nothing'}"


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _summary_lines(summary: WordPressSummary, bad_rows: int, *, is_dry_run: bool) -> Iterator[str]:
    yield "Dry run: nothing was changed." if is_dry_run else "Done."
    yield f"readers: {summary.readers}, with something to import: {summary.readers_with_something}"
    yield f"new unlocks: {summary.new_unlocks}"
    yield f"new credits: {summary.new_credits}"
    yield f"new complimentary subscriptions: {summary.newly_complimentary}"
    yield f"newly linked Stripe subscriptions: {summary.newly_linked}"
    yield f"Stripe subscriptions that could not be linked: {summary.links_failed}"
    if summary.posts:
        policies = ", ".join(f"{policy} {n}" for policy, n in sorted(summary.posts.items()))
        yield (
            f"posts: {policies}; policies changed: {summary.posts_changed};"
            f" not on record here: {summary.posts_not_on_record}"
        )
    yield f"bad rows: {bad_rows}"
    for kind, number in sorted(summary.oddities.items(), key=lambda item: (-item[1], item[0])):
        yield f"  {number} x {'TO DO: ' if kind in TO_DO else ''}{kind}"
    if summary.other_keys:
        yield f"fields of other plug-ins, not read: {_counted(summary.other_keys)}"


def _counted(keys: Counter[str]) -> str:
    shown: Sequence[str] = [
        f"{key} {number}" for key, number in keys.most_common(OTHER_KEYS_SHOWN_MAX)
    ]
    more = len(keys) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])
