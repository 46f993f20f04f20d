"""Column types and indexes that work on both databases."""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import SQLModel

ID_LENGTH_MAX = 200

BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TextList = ARRAY(sa.Text).with_variant(sa.JSON(), "sqlite")
WITHOUT_ROWID = {"sqlite_with_rowid": False}
NO_KEY_TWICE = {"sqlite_autoincrement": True}

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def by_value(enum: type[StrEnum]) -> Any:
    """The type of a column that stores an enum's value as text."""
    return sa.Enum(
        enum,
        values_callable=lambda members: [member.value for member in members],
        native_enum=False,
        length=20,
        name=enum.__name__.lower(),
    )


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index of the rows that meet a condition."""
    condition = sa.text(where)
    return sa.Index(
        name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition
    )
