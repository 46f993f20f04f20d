"""Jinja2 for the sandbox's pages: values are escaped, and an undefined name is an error."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def create_environment(package: str) -> Environment:
    """The templates in the folder `templates` of this package."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
