"""tickets of orders and secrets that are shown once, for all servers of a campus

Revision: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tickets",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("issued_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("request", sa.String(length=255), nullable=True),
        sa.Column("is_void", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tickets")),
    )
    op.create_index(op.f("ix_tickets_issued_at"), "tickets", ["issued_at"], unique=False)
    op.create_table(
        "shown_secrets",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_shown_secrets")),
    )
    op.create_index(op.f("ix_shown_secrets_at"), "shown_secrets", ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("shown_secrets")
    op.drop_table("tickets")
