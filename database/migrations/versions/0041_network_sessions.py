"""sessions in computer rooms and on the internet

Revision: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "network_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(length=20), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("campus", sa.String(length=64), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("nas", sa.String(length=253), nullable=False),
        sa.Column("nas_address", sa.String(length=45), nullable=True),
        sa.Column("port", sa.String(length=253), nullable=True),
        sa.Column("station", sa.String(length=253), nullable=True),
        sa.Column("number", sa.String(length=253), nullable=False),
        sa.Column("user_name", sa.String(length=253), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("began_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("heard_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=40), nullable=True),
        sa.Column("session_s", sa.BigInteger(), nullable=False),
        sa.Column("free_s", sa.BigInteger(), nullable=False),
        sa.Column("quota_s", sa.BigInteger(), nullable=True),
        sa.Column("fen_per_hour", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("billed", sa.BigInteger(), nullable=False),
        sa.Column("billed_before", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("holds", sa.Integer(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("covered_until", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("disconnect_reason", sa.String(length=20), nullable=True),
        sa.Column("disconnect_tried_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("disconnect_outcome", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_sessions")),
    )
    with op.batch_alter_table("network_sessions", schema=None) as batch_op:
        batch_op.create_index("ix_network_sessions_began", ["began_at", "id"], unique=False)
        batch_op.create_index("ix_network_sessions_hold", ["hold_id"], unique=False)
        batch_op.create_index("ix_network_sessions_person", ["person_id", "began_at"], unique=False)
        batch_op.create_index(
            "ix_network_sessions_running",
            ["heard_at"],
            unique=False,
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("network_sessions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_network_sessions_running",
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index("ix_network_sessions_person")
        batch_op.drop_index("ix_network_sessions_hold")
        batch_op.drop_index("ix_network_sessions_began")
    op.drop_table("network_sessions")
