"""The subscription items of invoices and proration credits, since a subscription can have several.

A credit ends only what its own item paid for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("stripe_invoice", sa.Column("item_id", sa.String(length=200), nullable=True))
    op.add_column("stripe_credit", sa.Column("item_id", sa.String(length=200), nullable=True))
