"""The command `paywall`: what can be typed, and what is said of it. The work is done elsewhere."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
from sqlalchemy import exc

from paywall import settings
from paywall.cli import import_csv, stripe, tokens
from paywall.cli.audit import AuditReport, run_audit
from paywall.cli.doctor import diagnosed
from paywall.cli.export import exported
from paywall.cli.import_wxr import wxr
from paywall.cli.migrate import migrated
from paywall.database.errors import first_line, why_unavailable
from paywall.database.opening import NotMigratedError
from paywall.database.sqlite import DatabaseInUse
from paywall.diagnosis import Finding
from paywall.http.fields import ID_PATTERN, ID_RULE
from paywall.problems import Problem
from paywall.server.serve import CannotServe, serve
from paywall.settings import SettingsError
from paywall.tokens.issuers import OWN_NAME
from paywall.tokens.limits import SITE_LIFETIME_SECONDS, SITE_LIFETIME_SECONDS_MAX
from paywall.tokens.mint import Minted
from paywall.tokens.revocation import Target
from paywall.tokens.scopes import SCOPES, parse_scopes

FOUND_SOMETHING = 1
USED_WRONGLY = 2
NO_TABLE = r"no such table|relation .* does not exist"
REFUSES_ALL = "permission denied|read-?only|not a database|malformed"


class Refusal(click.ClickException):
    """What went wrong, in a sentence on standard error; exit status 2 unless told."""

    exit_code = USED_WRONGLY


@contextmanager
def cli_errors() -> Iterator[None]:
    """Nobody is shown a stack trace for a mistake of their own, or for a database that is gone."""
    try:
        yield
    except (SettingsError, DatabaseInUse, NotMigratedError, CannotServe) as error:
        raise Refusal(str(error)) from error
    except Problem as error:
        raise Refusal(error.detail) from error
    except BrokenPipeError:
        # Whoever reads the output has had enough, as `head`: click ends quietly.
        raise
    except Exception as error:
        sentence = _of_database(error)
        if sentence is None:
            raise
        raise Refusal(sentence) from error


class Commands(click.Group):
    """Says what the commands raise."""

    def invoke(self, ctx: click.Context) -> object:
        with cli_errors():
            return super().invoke(ctx)


def _of_database(error: Exception) -> str | None:
    if why := why_unavailable(error):
        what = "" if isinstance(error, OSError) else "The database cannot be used: "
        return f"{what}{first_line(error)}. {why}"
    refused = str(error.orig) if isinstance(error, exc.DBAPIError) else ""
    if re.search(NO_TABLE, refused):
        return "The database has not got all of its tables yet: run `paywall migrate` first."
    if re.search(REFUSES_ALL, refused):
        return f"The database refuses this: {refused.partition(chr(10))[0]}."
    return None


class _Id(click.ParamType[str]):
    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.match(ID_PATTERN, value):
            self.fail(f"not an id: {ID_RULE}", param, ctx)
        return value


class _Scopes(click.ParamType[frozenset[str]]):
    name = "scopes"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[str]:
        try:
            return parse_scopes(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


@click.group(cls=Commands, context_settings={"max_content_width": 100})
def main() -> None:
    """Unlock credits, subscriptions and access to article bodies, for a news site.

    To begin: `paywall serve`, and in another terminal `paywall token site --help`.

    Settings come from PAYWALL_… in the environment, over paywall.toml in the current folder.
    docs/settings.md lists them. Exit status: 0 done, 1 found something wrong, 2 used wrongly.
    """


@main.command(
    "serve",
    help="""Serve until Ctrl-C or SIGTERM.

    Requests that are under way are answered first. With no settings at all it uses SQLite and a
    signing key of its own under var/. For several workers or machines use PostgreSQL, and `paywall
    migrate` before each new release.

    \b
    Example:
      PAYWALL_DATABASE_URL=postgresql://paywall@db/paywall paywall serve --workers 4
    """,
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that answer; more than one needs PostgreSQL.",
)
def serve_command(host: str, port: int, workers: int) -> None:
    serve(settings.load_settings(), host=host, port=port, workers=workers)


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database's tables up to this release.

    Run it before the service starts. All or nothing: a failed migration leaves the database as it
    was. The release before goes on working on the new tables. On SQLite `paywall serve` does this
    by itself; to do it here, stop the service first.
    """
    applied = asyncio.run(migrated(settings.load_settings()))
    click.echo(f"Applied: {', '.join(applied)}." if applied else "Nothing to do: up to date.")


@main.command("doctor")
def doctor_command() -> None:
    """Look for what is wrong, and say what to do.

    Where the service sells by Stripe, Stripe is asked too: whether it takes the key, sells what the
    catalogue says, and told of events that were not taken in.

    Works beside a running service, and changes nothing. Exit status 0 where all is well, 1 where
    something is not.
    """
    findings = asyncio.run(diagnosed(settings.load_settings()))
    for finding in findings:
        click.echo(str(finding))
    if any(isinstance(finding, Finding) for finding in findings):
        raise click.exceptions.Exit(FOUND_SOMETHING)
    click.echo("All well.")


@main.command("audit")
def audit_command() -> None:
    """Prove that the ledger adds up, row by row.

    Works beside a running service, and changes nothing. Grants are compared with their entries and
    payments, purchases with their refunds, subscriptions with what was paid for them, and all of
    it with the totals that were counted when it was written. Each promise that does not hold is
    printed with the rows that break it, at most 20 of them.

    Exit status 0 where all of it adds up, 1 where it does not.
    """
    proof = asyncio.run(run_audit(settings.load_settings()))
    for line in _proof_lines(proof):
        click.echo(line)
    if proof.findings:
        raise click.exceptions.Exit(FOUND_SOMETHING)


def _proof_lines(proof: AuditReport) -> Iterator[str]:
    for finding in proof.findings:
        yield f"Does not hold: {finding.promise}."
        yield from (f"  {row}" for row in finding.rows)
        if more := finding.breaches - len(finding.rows):
            yield f"  and {more} more"
    if not proof.findings:
        yield (
            f"The ledger adds up: {proof.grants} grants, {proof.entries} entries,"
            f" {proof.unlocks} unlocks."
        )


@main.command(
    "export",
    help="""Print all that is on record about READER.

    As JSON that a person can read, for that reader to take along.

    Works beside a running service. Each section says in a sentence what it is.

    \b
    Example:
      paywall export sophea > sophea.json
    """,
)
@click.argument("reader_id", metavar="READER", type=_Id())
def export_command(reader_id: str) -> None:
    export = asyncio.run(exported(settings.load_settings(), reader_id))
    click.echo(msgspec.json.format(msgspec.json.encode(export), indent=2).decode())


@main.group()
def token() -> None:
    """Mint and revoke tokens. Minting works beside a running service."""


@token.command(
    "site",
    help=f"""Mint a token for the publisher's server, and print it alone.

    Whoever holds it can do what its scopes say, until it ends or is revoked: keep it on the
    server, and give it the fewest scopes.

    \b
    Scopes:
    {chr(10).join(f"    {scope:<19}{may}" for scope, may in SCOPES.items()).lstrip()}

    \b
    Example:
      paywall token site --scope "access:check readers:token"
    """,
)
@click.option("--scope", "scopes", type=_Scopes(), required=True, help="Scopes, with spaces.")
@click.option(
    "--subject",
    type=_Id(),
    default="site",
    show_default=True,
    help="Who holds it; the ledger names it as the one who did it.",
)
@click.option(
    "--lifetime-seconds",
    type=click.IntRange(1, SITE_LIFETIME_SECONDS_MAX),
    default=SITE_LIFETIME_SECONDS,
    show_default=True,
    help="Seconds until it ends: 90 days unless told, 366 at most.",
)
def token_site(scopes: frozenset[str], subject: str, lifetime_seconds: int) -> None:
    _print(
        asyncio.run(tokens.site_token(settings.load_settings(), scopes, subject, lifetime_seconds))
    )


@token.command("reader")
@click.argument("reader_id", metavar="ID", type=_Id())
def token_reader(reader_id: str) -> None:
    """Mint a token for one reader, and print it alone.

    It lasts 15 minutes. ID is the site's own id of the reader. This is for trying things out: a
    site gets the tokens of its readers by POST /v1/readers/ID/token, and those end with the site
    token that asked.
    """
    _print(asyncio.run(tokens.reader_token(settings.load_settings(), reader_id)))


@token.command(
    "revoke",
    help="""Refuse one token, or all of a subject.

    From the very next request on, and in every process. Of a subject all tokens are refused that
    it has now. Reader tokens that a revoked site token asked for end with it. While the service
    runs on SQLite, revoke through it: POST /v1/tokens/revoke.

    \b
    Examples:
      paywall token revoke --token-id=0mDqsT3Zx2wB8yqk0cJ8uA
      paywall token revoke --subject=site
    """,
)
@click.option("--token-id", type=_Id(), help="The claim `jti` of one token.")
@click.option("--subject", type=_Id(), help="The claim `sub`: every token that it has now.")
@click.option("--issuer", type=_Id(), default=OWN_NAME, show_default=True, help="The claim `iss`.")
def token_revoke(token_id: str | None, subject: str | None, issuer: str) -> None:
    if (token_id is None) == (subject is None):
        raise click.UsageError("Give --token-id or --subject, and not both.")
    asyncio.run(tokens.revoke_tokens(settings.load_settings(), Target(issuer, token_id, subject)))
    click.echo("Revoked.", err=True)


@main.group("import")
def import_() -> None:
    """Take over what another system holds."""


import_.add_command(wxr)
import_.add_command(import_csv.articles)
import_.add_command(import_csv.grants)
import_.add_command(import_csv.unlocks)
import_.add_command(import_csv.subscriptions)


main.add_command(stripe.catalogue)
main.add_command(stripe.reconcile)


@main.group()
def keys() -> None:
    """The service's own signing keys, in keys.json in the data_dir."""


@keys.command("rotate")
def keys_rotate() -> None:
    """Sign with a new key from now on.

    A running service notices by itself. The old key goes on verifying until the last of its tokens
    has ended, and is dropped by a later rotation. Where it was stolen, take it out of keys.json:
    its tokens end at once.
    """
    kid = asyncio.run(tokens.rotate_keys(settings.load_settings()))
    click.echo(f"New tokens are signed with the key {kid}.", err=True)


def _print(minted: Minted) -> None:
    """The token alone on standard output, for a script to take."""
    click.echo(minted.token)
    click.echo(
        f"It ends at {minted.expires_at.isoformat()}."
        f" To end it before: paywall token revoke --token-id={minted.token_id}",
        err=True,
    )
