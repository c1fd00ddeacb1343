"""differences of channels' bills that somebody accepted

Revision: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accepted_differences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("ours", sa.BigInteger(), nullable=True),
        sa.Column("theirs", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("accepted_by", sa.String(length=80), nullable=False),
        sa.Column("accepted_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepted_differences")),
    )
    op.create_index("ix_accepted_differences_day", "accepted_differences", ["channel", "day"])


def downgrade() -> None:
    op.drop_index("ix_accepted_differences_day", table_name="accepted_differences")
    op.drop_table("accepted_differences")
