"""How much each subscriber has on record, counted as it is written."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

COUNTED = ("entries", "credits_moved", "unlocks", "purchases", "subscriptions")


def upgrade() -> None:
    op.create_table(
        "subscriber_totals",
        sa.Column("subscriber_id", sa.String(length=200), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTED),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_subscriber_totals")),
        sqlite_with_rowid=False,
    )
    op.execute(
        """
        insert into subscriber_totals
        select reader_id, sum(entries), sum(credits_moved), sum(unlocks), sum(purchases),
               sum(subscriptions)
        from (
            select reader_id, 1 as entries, abs(amount) as credits_moved, 0 as unlocks,
                   0 as purchases, 0 as subscriptions
            from ledger_entry
            union all select reader_id, 0, 0, 1, 0, 0 from unlock
            union all select reader_id, 0, 0, 0, 1, 0 from purchase
            union all select reader_id, 0, 0, 0, 0, 1 from subscription
        ) x group by reader_id
        """
    )
