"""What can be bought."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from paywall.database.columns import (
    ID_LENGTH_MAX,
    WITHOUT_ROWID,
    by_value,
)
from paywall.rules import enums


class _Product(SQLModel):
    """What every product of the catalogue has; a price is `{"amount", "currency"}`."""

    id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    title: str = Field(sa_type=sa.Text)
    prices: list[dict[str, Any]] = Field(sa_type=sa.JSON)
    created_at: datetime


def _recommended() -> Any:
    return Field(default=False, sa_column_kwargs={"server_default": sa.false()})


# `position` and `recommended` stand last in each table, as the migration that added them left them.
class Plan(_Product, table=True):
    """Recurring: opens everything for a period, and may grant credits in each."""

    __table_args__ = (WITHOUT_ROWID,)

    interval: enums.Interval = Field(sa_type=by_value(enums.Interval))
    interval_count: int = 1
    credits: int = 0
    credits_expire: enums.CreditsExpire = Field(sa_type=by_value(enums.CreditsExpire))
    trial_days: int | None = None
    position: int | None = None
    recommended: bool = _recommended()


class Pack(_Product, table=True):
    """Credits, bought once."""

    __table_args__ = (WITHOUT_ROWID,)

    credits: int
    expires_after_days: int | None = None
    position: int | None = None
    recommended: bool = _recommended()


class Pass(_Product, table=True):
    """Opens everything for some days, bought once."""

    __table_args__ = (WITHOUT_ROWID,)

    days: int
    position: int | None = None
    recommended: bool = _recommended()
