"""refusals of consent, and visitor passes that a host gives

Revision: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consent_refusals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("refused_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_consent_refusals_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_refusals")),
        sa.UniqueConstraint("person_id", "version", name=op.f("uq_consent_refusals_person_id_version")),
    )
    with op.batch_alter_table("visitor_passes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("host_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("purpose", sa.String(length=200), server_default="", nullable=False))
        batch_op.add_column(sa.Column("sealed_code", sa.LargeBinary(), nullable=True))
        batch_op.create_index("ix_visitor_passes_host", ["host_id", "id"], unique=False)
        batch_op.create_foreign_key(op.f("fk_visitor_passes_host_id_people"), "people", ["host_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("visitor_passes", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_visitor_passes_host_id_people"), type_="foreignkey")
        batch_op.drop_index("ix_visitor_passes_host")
        batch_op.drop_column("sealed_code")
        batch_op.drop_column("purpose")
        batch_op.drop_column("host_id")
    op.drop_table("consent_refusals")
