"""second photos of people, and who was told of them

Revision: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("photos") as photos:
        photos.add_column(sa.Column("slot", sa.String(length=8), server_default="first", nullable=False))
        photos.add_column(sa.Column("source", sa.String(length=8), server_default="person", nullable=False))
    op.create_table(
        "second_photo_invitations",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("declined_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_second_photo_invitations_person_id_people")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_photo_invitations")),
    )


def downgrade() -> None:
    op.drop_table("second_photo_invitations")
    with op.batch_alter_table("photos") as photos:
        photos.drop_column("source")
        photos.drop_column("slot")
