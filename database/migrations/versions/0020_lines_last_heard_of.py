"""when the reader of a meter line was last heard of

Revision: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("meter_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("heard_at", columns.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("meter_lines", schema=None) as batch_op:
        batch_op.drop_column("heard_at")
