"""Where a product stands among the offers, and whether the site recommends it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for table in ("plan", "pack", "pass"):
        op.add_column(table, sa.Column("position", sa.Integer(), nullable=True))
        op.add_column(
            table, sa.Column("recommended", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
