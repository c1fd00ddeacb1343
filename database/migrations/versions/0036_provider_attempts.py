"""sign-ins at several identity providers

Revision: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Attempts live for ten minutes: those on their way begin again.
    op.drop_table("oidc_attempts")
    _create("provider_attempts", sa.Column("provider", sa.String(length=10), nullable=False))


def downgrade() -> None:
    op.drop_table("provider_attempts")
    _create("oidc_attempts")


def _create(name: str, *more: sa.Column[str]) -> None:
    op.create_table(
        name,
        sa.Column("state_digest", sa.LargeBinary(length=32), nullable=False),
        *more,
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_digest", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_expires_at"), name, ["expires_at"], unique=False)
