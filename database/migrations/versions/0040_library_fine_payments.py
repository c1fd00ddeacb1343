"""payments of library fines from the campus account

Revision: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_fine_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(length=60), nullable=True),
        sa.Column("through", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("asked_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_fine_payments")),
    )
    with op.batch_alter_table("library_fine_payments", schema=None) as batch_op:
        batch_op.create_index("ix_library_fine_payments_person", ["person_id", "created_at"], unique=False)
        batch_op.create_index(
            "uq_library_fine_payments_pending",
            ["person_id"],
            unique=True,
            postgresql_where=sa.text("state = 'pending'"),
            sqlite_where=sa.text("state = 'pending'"),
        )


def downgrade() -> None:
    op.drop_table("library_fine_payments")
