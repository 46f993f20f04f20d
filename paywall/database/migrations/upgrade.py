"""Runs the scripts under versions/ by Alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def upgrade(connection: sa.Connection, folder: Path) -> None:
    """Apply the pending scripts under `folder`."""
    command.upgrade(configuration(connection, folder), "head")


def configuration(connection: sa.Connection, folder: Path) -> Config:
    """Alembic's settings, without a file."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config
