"""consents by purpose, offers for second photos from gates

Revision: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("consents") as consents:
        consents.add_column(
            sa.Column("purpose", sa.String(length=32), server_default="face_recognition", nullable=False)
        )
    op.create_table(
        "probe_offers",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.String(length=255), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("until", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("not_before", columns.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_probe_offers_person_id_people")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_probe_offers")),
        sa.UniqueConstraint("offer_id", name=op.f("uq_probe_offers_offer_id")),
    )
    op.create_index(op.f("ix_probe_offers_until"), "probe_offers", ["until"])


def downgrade() -> None:
    op.drop_table("probe_offers")
    # To the house before, every consent is one to face recognition.
    op.execute("DELETE FROM consents WHERE purpose != 'face_recognition'")
    with op.batch_alter_table("consents") as consents:
        consents.drop_column("purpose")
