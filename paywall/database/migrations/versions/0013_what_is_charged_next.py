"""What a subscription is charged next, and where a failed payment can be paid."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    for column in (
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("has_new_method", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("next_amount", sa.BigInteger(), nullable=True),
        sa.Column("next_currency", sa.String(length=3), nullable=True),
    ):
        op.add_column("stripe_subscription", column)
