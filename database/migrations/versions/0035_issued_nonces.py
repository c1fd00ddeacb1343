"""the largest nonce that any server may have issued for its orders

Revision: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "issued_nonces",
        sa.Column("sender", sa.String(length=63), nullable=False),
        sa.Column("largest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", name=op.f("pk_issued_nonces")),
    )


def downgrade() -> None:
    op.drop_table("issued_nonces")
