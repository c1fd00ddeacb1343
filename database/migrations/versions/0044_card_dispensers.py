"""card dispensers in kiosks

Revision: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('waiting', 'preparing', 'booked')")


def upgrade() -> None:
    op.add_column("devices", sa.Column("kiosk_id", sa.Uuid(), nullable=True))
    op.create_table(
        "card_issues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Uuid(), nullable=False),
        sa.Column("dispenser_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("asked_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("booked_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.Column("loss_id", sa.Uuid(), nullable=True),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["card_id"], ["cards.id"], name=op.f("fk_card_issues_card_id_cards")),
        sa.ForeignKeyConstraint(["dispenser_id"], ["devices.id"], name=op.f("fk_card_issues_dispenser_id_devices")),
        sa.ForeignKeyConstraint(["kiosk_id"], ["devices.id"], name=op.f("fk_card_issues_kiosk_id_devices")),
        sa.ForeignKeyConstraint(["loss_id"], ["loss_reports.id"], name=op.f("fk_card_issues_loss_id_loss_reports")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_card_issues_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_issues")),
    )
    op.create_index("ix_card_issues_ended", "card_issues", ["ended_at"])
    op.create_index("ix_card_issues_person", "card_issues", ["person_id", "asked_at"])
    op.create_index(
        "uq_card_issues_dispenser_open",
        "card_issues",
        ["dispenser_id"],
        unique=True,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    op.create_table(
        "dispenser_sightings",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("stacker", sa.String(length=10), nullable=True),
        sa.Column("is_bin_full", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.Column("seen_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_dispenser_sightings_device_id_devices")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_dispenser_sightings")),
    )


def downgrade() -> None:
    op.drop_table("dispenser_sightings")
    op.drop_index("uq_card_issues_dispenser_open", table_name="card_issues")
    op.drop_index("ix_card_issues_person", table_name="card_issues")
    op.drop_index("ix_card_issues_ended", table_name="card_issues")
    op.drop_table("card_issues")
    op.drop_column("devices", "kiosk_id")
