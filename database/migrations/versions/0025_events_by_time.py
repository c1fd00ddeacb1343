"""events of all gates by time

Revision: 0025
Revises: 0024
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_gate_events_at", "gate_events", ["at"])


def downgrade() -> None:
    op.drop_index("ix_gate_events_at", table_name="gate_events")
