"""late charges: an offline payment may belong to a hold that it goes beyond or comes after

Revision: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("offline_payments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hold_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_offline_payments_hold_id"), ["hold_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("offline_payments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_offline_payments_hold_id"))
        batch_op.drop_column("hold_id")
