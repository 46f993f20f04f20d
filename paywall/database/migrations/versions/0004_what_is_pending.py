"""Refunds that are on their way, and inquiries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "refund", sa.Column("is_pending", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
