"""pictures of alarms

Revision: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarm_pictures",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_pictures_alarm_id_alarms"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_alarm_pictures")),
    )
    op.create_index(op.f("ix_alarm_pictures_alarm_id"), "alarm_pictures", ["alarm_id"])


def downgrade() -> None:
    op.drop_table("alarm_pictures")
