"""Types of the commands' arguments and options."""

import re

import click

from paywall.http.fields import ID_PATTERN, ID_RULE


class IdParameter(click.ParamType[str]):
    """An id, with the same rule as in the API."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.match(ID_PATTERN, value):
            self.fail(f"not an id: {ID_RULE}", param, ctx)
        return value
