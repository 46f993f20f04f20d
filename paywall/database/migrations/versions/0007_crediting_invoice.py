"""The invoice that gave a proration credit, since a refund of it withdraws the credit."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("stripe_credit", sa.Column("invoice_id", sa.String(length=200), nullable=True))
