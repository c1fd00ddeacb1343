"""what was counted in the cash boxes of cashiers

Revision: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cash_counts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("box", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("counted_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cash_counts")),
    )
    op.create_index("ix_cash_counts_day", "cash_counts", ["day", "box"])


def downgrade() -> None:
    op.drop_table("cash_counts")
