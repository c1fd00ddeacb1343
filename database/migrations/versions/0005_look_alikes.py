"""People whom a gate could take for each other

Revision: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "look_alike_pairs",
        sa.Column("one_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.Column("found_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["one_id"], ["people.id"], name=op.f("fk_look_alike_pairs_one_id_people")),
        sa.ForeignKeyConstraint(["other_id"], ["people.id"], name=op.f("fk_look_alike_pairs_other_id_people")),
        sa.PrimaryKeyConstraint("one_id", "other_id", name=op.f("pk_look_alike_pairs")),
    )
    op.create_index(op.f("ix_look_alike_pairs_other_id"), "look_alike_pairs", ["other_id"])
    op.create_table(
        "look_alike_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_look_alike_state")),
    )


def downgrade() -> None:
    op.drop_table("look_alike_state")
    op.drop_table("look_alike_pairs")
