"""The card of a subscription and a payment that failed, since readers are shown both."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for column in (
        sa.Column("card_brand", sa.String(length=40), nullable=True),
        sa.Column("card_last4", sa.String(length=4), nullable=True),
        sa.Column("failed_amount", sa.BigInteger(), nullable=True),
        sa.Column("failed_currency", sa.String(length=3), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("stripe_subscription", column)
