"""The command `paywall` and its subcommands."""

import click

from paywall.cli import import_csv, import_wordpress, import_wxr, stripe, tokens
from paywall.cli.audit import audit_command
from paywall.cli.backup import backup_command
from paywall.cli.bakong import bakong
from paywall.cli.doctor import doctor_command
from paywall.cli.errors import CommandGroup
from paywall.cli.export import export_command
from paywall.cli.leaks import leaks_command
from paywall.cli.migrate import migrate_command
from paywall.cli.reconcile import reconcile
from paywall.cli.restore import restore_command
from paywall.cli.serve import serve_command
from paywall.cli.wordpress import wordpress


@click.group(cls=CommandGroup, context_settings={"max_content_width": 100})
def main() -> None:
    """Unlock credits, subscriptions and access to article bodies, for a news site.

    To begin: `paywall serve`, and in another terminal `paywall token site --help`.

    Settings are read from paywall.toml in the current folder and from PAYWALL_… in the
    environment, which takes precedence. docs/settings.md lists them. Exit status: 0 done, 1 found
    something wrong, 2 used wrongly.
    """


@main.group("import")
def import_() -> None:
    """Import data from another system."""


for command in (
    import_wxr.wxr,
    import_wordpress.wordpress,
    import_csv.articles,
    import_csv.grants,
    import_csv.unlocks,
    import_csv.subscriptions,
):
    import_.add_command(command)

for command in (
    serve_command,
    migrate_command,
    doctor_command,
    audit_command,
    backup_command,
    restore_command,
    export_command,
    leaks_command,
    tokens.token,
    tokens.keys,
    stripe.catalogue,
    reconcile,
    bakong,
    wordpress,
):
    main.add_command(command)
