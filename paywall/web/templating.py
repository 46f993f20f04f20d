"""Jinja2 for pages: values are escaped, and an undefined name is an error."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment_of(package: str) -> Environment:
    """The folder `templates` of a package; each template is compiled when it is first rendered."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
