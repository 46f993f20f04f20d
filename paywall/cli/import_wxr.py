"""`paywall import wxr`."""

from collections import Counter
from typing import BinaryIO, Literal

import click

from paywall.cli.errors import FOUND_SOMETHING
from paywall.imports.import_wxr import WxrImportOptions, WxrSummary, import_wxr
from paywall.imports.progress import on_terminal, with_database
from paywall.imports.wxr_item import WxrError
from paywall.imports.wxr_rules import PolicyRule
from paywall.load_settings import load_settings
from paywall.rules.decision import Policy
from paywall.rules.enums import UpsertOutcome

POLICIES = ", ".join(Policy)
ITEMS_BETWEEN_LINES = 500


class _Rule(click.ParamType[PolicyRule]):
    name = "rule"

    def __init__(self, kind: Literal["category", "tag", "meta"]) -> None:
        self.kind = kind

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> PolicyRule:
        name, separator, policy = value.rpartition("=")
        if not separator or policy not in list(Policy):
            self.fail(f"{value!r} does not end in = and a policy: {POLICIES}.", param, ctx)
        wanted: str | None = None
        if self.kind == "meta" and "=" in name:
            name, _, wanted = name.partition("=")
        if not name:
            self.fail(f"{value!r} names nothing before the =.", param, ctx)
        return PolicyRule(self.kind, name, wanted, Policy(policy))


class _InOrder(click.Command):
    """Keeps the rules in the order of the command line, since click groups them by option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        rest = super().parse_args(ctx, args)
        given = {kind: iter(ctx.params.pop(kind, ())) for kind in ("category", "tag", "meta")}
        named = [parameter.name for parameter in order]
        ctx.params["rules"] = [next(given[name]) for name in named if name in given]
        return rest


@click.command(
    "wxr",
    cls=_InOrder,
    help="""Import articles from a WordPress export.

    FILE is the export (WXR); published posts become articles.

    In WordPress: Tools, Export, All content or Posts. The article's id is the post's id, and the
    body is stored unchanged. Password-protected posts are skipped and listed. Import the next
    export in the same way: identical articles are not changed.

    The policy of a post is that of the first matching rule on the command line, or else
    --policy. NAME is the slug or the display name. Policies: """
    + POLICIES
    + """.

    On SQLite, stop the service first. Exit status: 0 done, 1 some items were bad, 2 used wrongly.

    \b
    Examples:
      paywall import wxr export.xml
      paywall import wxr export.xml --category News=free --tag analysis=subscribers
      paywall import wxr export.xml --meta _is_paid=yes=premium --policy free
    """,
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in Policy]),
    default=Policy.PREMIUM.value,
    show_default=True,
    help="For posts that match no rule.",
)
@click.option(
    "--category",
    type=_Rule("category"),
    multiple=True,
    metavar="NAME=POLICY",
    help="Policy of posts in this category.",
)
@click.option(
    "--tag",
    type=_Rule("tag"),
    multiple=True,
    metavar="NAME=POLICY",
    help="Policy of posts with this tag.",
)
@click.option(
    "--meta",
    type=_Rule("meta"),
    multiple=True,
    metavar="KEY[=VALUE]=POLICY",
    help="Policy of posts with this meta field, or with this value of it.",
)
@click.option(
    "--unlock-cost",
    type=click.IntRange(1, 1_000_000),
    default=1,
    show_default=True,
    help="Credits that unlocking an article costs.",
)
@click.pass_context
def wxr(
    ctx: click.Context, file: BinaryIO, policy: str, rules: list[PolicyRule], unlock_cost: int
) -> None:
    """Import a WordPress export; the help text is in the decorator, because it is formatted."""
    loaded = load_settings()
    options = WxrImportOptions(rules, Policy(policy), unlock_cost, loaded.preview_share)
    progress = on_terminal(file.name, "items", ITEMS_BETWEEN_LINES)
    try:
        summary = with_database(
            loaded, lambda database: import_wxr(database, file, options, progress)
        )
    except WxrError as error:
        raise click.BadParameter(str(error), param_hint="FILE") from error
    for line in _summary_lines(summary):
        click.echo(line)
    ctx.exit(FOUND_SOMETHING if summary.bad else 0)


def _summary_lines(summary: WxrSummary) -> list[str]:
    done = summary.outcomes
    return [
        f"new: {done[UpsertOutcome.CREATED]}",
        f"changed: {done[UpsertOutcome.REPLACED]}",
        f"unchanged: {done[UpsertOutcome.UNCHANGED]}",
        f"skipped, password-protected: {len(summary.protected)}",
        *(f"  {post_id} {title}" for post_id, title in summary.protected),
        _counted("skipped, not published", summary.unpublished),
        _counted("skipped, not posts", summary.other_types),
        f"bad: {summary.bad}",
        *([f"characters dropped: {summary.dropped}"] if summary.dropped else []),
    ]


def _counted(what: str, by_kind: Counter[str]) -> str:
    kinds = ", ".join(f"{number} {kind or '(none)'}" for kind, number in sorted(by_kind.items()))
    return f"{what}: {by_kind.total()}" + (f" ({kinds})" if kinds else "")
