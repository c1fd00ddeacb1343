"""events of all gates by time

Revision: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_gate_events_at", "gate_events", ["at"])


def downgrade() -> None:
    op.drop_index("ix_gate_events_at", table_name="gate_events")
