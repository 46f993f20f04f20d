"""Readers with anything on record, and who became whom."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    WITHOUT_ROWID,
)


class Subscriber(SQLModel, table=True):
    """A reader with anything on record. This row is the only lock on what the reader has."""

    __table_args__ = (WITHOUT_ROWID,)

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    created_at: datetime


class Merge(SQLModel, table=True):
    """All that `from_id` had went to `into_id`: one person, unless `from_id` began anew since."""

    __table_args__ = (sa.Index(None, "into_id"), WITHOUT_ROWID)

    from_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    into_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
