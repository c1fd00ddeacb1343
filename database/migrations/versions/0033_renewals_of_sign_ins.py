"""when a sign-in was renewed, for windows of a browser that ask at the same moment

Revision: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.add_column(sa.Column("renewed_at", columns.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.drop_column("renewed_at")
