"""codes with which the computers of gates set themselves up

Revision: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gate_setup_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_gate_setup_codes")),
    )
    op.create_index(op.f("ix_gate_setup_codes_gate"), "gate_setup_codes", ["gate"])


def downgrade() -> None:
    op.drop_table("gate_setup_codes")
