"""Alembic's entry point; it runs in the transaction that `migrate` opened."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from paywall.database import tables

METADATA = tables.Article.metadata
TEXT_LIST = "postgresql.ARRAY(sa.Text()).with_variant(sa.JSON(), 'sqlite')"


def plain(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Render columns as plain SQLAlchemy types: a migration must not change with our classes."""
    if kind != "type":
        return False
    match item:
        case AutoString() | sa.Enum():
            length = "" if item.length is None else f"length={item.length}"
            return f"sa.String({length})"
        case UTCDateTime():
            return "sa.DateTime(timezone=True)"
        case ARRAY():
            return TEXT_LIST
        case _:
            return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    render_item=plain,
)
context.run_migrations()
