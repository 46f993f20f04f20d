"""Turns expected errors of the commands into messages on standard error."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import exc

from paywall.database.errors import BackupError, first_line, why_unavailable
from paywall.database.opening import NotMigratedError
from paywall.database.sqlite import DatabaseInUse
from paywall.imports.wordpress.folder import FolderError
from paywall.problems import Problem
from paywall.server.serve import CannotServe
from paywall.settings import SettingsError

# Exit statuses of the commands; 0 means done.
FOUND_SOMETHING = 1
USED_WRONGLY = 2
NO_TABLE = r"no such table|relation .* does not exist"
REFUSES_ALL = "permission denied|read-?only|not a database|malformed"

# Their messages are sentences for the operator.
EXPECTED = (
    BackupError,
    CannotServe,
    DatabaseInUse,
    FolderError,
    NotMigratedError,
    SettingsError,
)


class CommandError(click.ClickException):
    """An error that the operator can fix; printed as one sentence, with exit status 2."""

    exit_code = USED_WRONGLY


@contextmanager
def cli_errors() -> Iterator[None]:
    """Print a sentence instead of a stack trace for wrong input or an unavailable database."""
    try:
        yield
    except EXPECTED as error:
        raise CommandError(str(error)) from error
    except Problem as error:
        raise CommandError(error.detail) from error
    except BrokenPipeError:
        # The reader of the output, such as `head`, has closed it: click exits quietly.
        raise
    except Exception as error:
        message = _database_message(error)
        if message is None:
            raise
        raise CommandError(message) from error


class CommandGroup(click.Group):
    """A group whose commands report expected errors in one sentence."""

    def invoke(self, ctx: click.Context) -> object:
        with cli_errors():
            return super().invoke(ctx)


def _database_message(error: Exception) -> str | None:
    if why := why_unavailable(error):
        what = "" if isinstance(error, OSError) else "The database cannot be used: "
        return f"{what}{first_line(error)}. {why}"
    refusal = str(error.orig) if isinstance(error, exc.DBAPIError) else ""
    if re.search(NO_TABLE, refusal):
        return "The database does not have all of its tables yet: run `paywall migrate` first."
    if re.search(REFUSES_ALL, refusal):
        return f"The database refuses this: {refusal.partition(chr(10))[0]}."
    return None
