"""Who passed the gates of a zone last

Revision: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "zone_passages",
        sa.Column("zone", sa.String(length=63), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("gate", sa.String(length=63), nullable=True),
        sa.Column("direction", sa.String(length=5), nullable=False),
        sa.Column("at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("before_gate", sa.String(length=63), nullable=True),
        sa.Column("before_direction", sa.String(length=5), nullable=True),
        sa.Column("before_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["zone"], ["zones.name"], name=op.f("fk_zone_passages_zone_zones"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("zone", "person_id", name=op.f("pk_zone_passages")),
    )
    with op.batch_alter_table("zone_passages", schema=None) as batch_op:
        batch_op.create_index("ix_zone_passages_revision", ["zone", "revision"], unique=False)

    op.create_table(
        "zone_presence",
        sa.Column("zone", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("forgiven_before", columns.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["zone"], ["zones.name"], name=op.f("fk_zone_presence_zone_zones"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("zone", name=op.f("pk_zone_presence")),
    )


def downgrade() -> None:
    op.drop_table("zone_presence")
    with op.batch_alter_table("zone_passages", schema=None) as batch_op:
        batch_op.drop_index("ix_zone_passages_revision")
    op.drop_table("zone_passages")
