"""the days of payment channels that were compared with their bills

Revision: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_days",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("reconciled_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "day", name=op.f("pk_channel_days")),
    )


def downgrade() -> None:
    op.drop_table("channel_days")
