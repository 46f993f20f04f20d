"""Control totals: how much each subscriber has on record, counted as it is written.

`paywall audit` compares them with the rows themselves. So a row that was inserted, deleted or
changed past this service is noticed, even where the rows that depend on it were changed alike.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapper
from sqlmodel import Field, SQLModel, col

from paywall.database.columns import ID_LENGTH_MAX, WITHOUT_ROWID
from paywall.database.tables.credits import LedgerEntry, Unlock
from paywall.database.tables.payments import Purchase
from paywall.database.tables.subscriptions import Subscription


class SubscriberTotals(SQLModel, table=True):
    """Numbers of rows, and the credits that the entries move: the sum without their signs."""

    __tablename__ = "subscriber_totals"
    __table_args__ = (WITHOUT_ROWID,)

    subscriber_id: str = Field(primary_key=True, max_length=ID_LENGTH_MAX)
    entries: int = Field(default=0, sa_type=sa.BigInteger)
    credits_moved: int = Field(default=0, sa_type=sa.BigInteger)
    unlocks: int = Field(default=0, sa_type=sa.BigInteger)
    purchases: int = Field(default=0, sa_type=sa.BigInteger)
    subscriptions: int = Field(default=0, sa_type=sa.BigInteger)


COUNTED = ("entries", "credits_moved", "unlocks", "purchases", "subscriptions")


class Added(NamedTuple):
    """By how much the totals of a subscriber grow."""

    entries: int = 0
    credits_moved: int = 0
    unlocks: int = 0
    purchases: int = 0
    subscriptions: int = 0


def adding(dialect: str) -> postgresql.Insert | sqlite.Insert:
    """A statement that adds to a subscriber's totals, with the table's columns as parameters."""
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    values: dict[str, Any] = {name: sa.bindparam(name, type_=sa.BigInteger) for name in COUNTED}
    values["subscriber_id"] = sa.bindparam("subscriber_id", type_=sa.Text)
    statement = insert(SubscriberTotals).values(values)
    grown = {
        name: getattr(SubscriberTotals, name) + getattr(statement.excluded, name)
        for name in COUNTED
    }
    return statement.on_conflict_do_update(
        index_elements=[col(SubscriberTotals.subscriber_id)], set_=grown
    )


def add_to_totals(connection: sa.Connection, added: Iterable[tuple[str, Added]]) -> None:
    """Add what was written of these subscribers; of any of them once or often."""
    sums: dict[str, Counter[str]] = {}
    for subscriber_id, more in added:
        sums.setdefault(subscriber_id, Counter()).update(more._asdict())
    rows = [{"subscriber_id": id_, **dict(sums[id_])} for id_ in sorted(sums)]
    if rows:
        connection.execute(adding(connection.dialect.name), rows)


def of_entry(amount: int) -> Added:
    """What an entry of so many credits (signed) adds."""
    return Added(entries=1, credits_moved=abs(amount))


@event.listens_for(LedgerEntry, "after_insert")
def _count_entry(_mapper: Mapper[Any], connection: sa.Connection, entry: LedgerEntry) -> None:
    add_to_totals(connection, [(entry.reader_id, of_entry(entry.amount))])


@event.listens_for(Unlock, "after_insert")
def _count_unlock(_mapper: Mapper[Any], connection: sa.Connection, unlock: Unlock) -> None:
    add_to_totals(connection, [(unlock.reader_id, Added(unlocks=1))])


@event.listens_for(Purchase, "after_insert")
def _count_purchase(_mapper: Mapper[Any], connection: sa.Connection, purchase: Purchase) -> None:
    add_to_totals(connection, [(purchase.reader_id, Added(purchases=1))])


@event.listens_for(Subscription, "after_insert")
def _count_subscription(_mapper: Mapper[Any], connection: sa.Connection, new: Subscription) -> None:
    add_to_totals(connection, [(new.reader_id, Added(subscriptions=1))])


@event.listens_for(Subscription, "after_delete")
def _discount_subscription(
    _mapper: Mapper[Any], connection: sa.Connection, old: Subscription
) -> None:
    add_to_totals(connection, [(old.reader_id, Added(subscriptions=-1))])
