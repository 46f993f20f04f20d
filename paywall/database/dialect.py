"""What differs between the two databases in a statement."""

from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


def dialect_of(session: AsyncSession) -> str:
    """`sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


def insert(
    session: AsyncSession, table: type[SQLModel]
) -> postgresql_dialect.Insert | sqlite_dialect.Insert:
    """An INSERT of the session's dialect, which supports ON CONFLICT."""
    if dialect_of(session) == "sqlite":
        return sqlite_dialect.insert(table)
    return postgresql_dialect.insert(table)
