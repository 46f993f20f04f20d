"""`paywall wordpress package`."""

from pathlib import Path

import click

from paywall.cli.errors import CommandError
from paywall.wordpress.package import build_zip

DEFAULT_OUTPUT = Path("paywall.zip")


@click.group()
def wordpress() -> None:
    """The plug-in for WordPress."""


@wordpress.command(
    help="""Write the plug-in's zip, which WordPress installs.

    An existing file is replaced. The plug-in needs WordPress 6.1 and PHP 8.0, or newer.

    \b
    Example:
      paywall wordpress package --output paywall.zip
    """,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_OUTPUT,
    show_default=True,
    help="The file to write.",
)
def package(output: Path) -> None:
    content = build_zip()
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(f"Wrote {output} ({len(content):,} bytes).")
    click.echo("Next: in WordPress, Plugins → Add New → Upload Plugin, then Settings → Paywall.")
