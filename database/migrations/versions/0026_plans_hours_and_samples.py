"""plans of the campus, passages by hour, samples of zones

Revision: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_COUNTED = """
INSERT INTO gate_hours (gate, hour, outcome, reason, number)
SELECT gate, {hour}, outcome, reason, count(*) FROM (
    SELECT gate, at,
        CASE WHEN kind = 'access_granted' THEN 'granted' ELSE 'refused' END AS outcome,
        CASE WHEN kind = 'access_granted' THEN '' ELSE coalesce(reason, kind) END AS reason
    FROM gate_events
    WHERE kind IN ('access_granted', 'access_denied', 'face_refused', 'exit_refused', 'spoof')
) AS counted
GROUP BY gate, {hour}, outcome, reason
"""
_HOURS = {
    "sqlite": "strftime('%Y-%m-%d %H:00:00.000000', at)",
    "postgresql": "date_trunc('hour', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
}


def upgrade() -> None:
    op.create_table(
        "site_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("changed_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_plans")),
    )
    op.create_table(
        "gate_places",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["site_plans.id"], name=op.f("fk_gate_places_plan_id_site_plans"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["gate"], ["gates.name"], name=op.f("fk_gate_places_gate_gates"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("plan_id", "gate", name=op.f("pk_gate_places")),
    )
    op.create_table(
        "gate_hours",
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("hour", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=63), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gate", "hour", "outcome", "reason", name=op.f("pk_gate_hours")),
    )
    op.create_index(op.f("ix_gate_hours_hour"), "gate_hours", ["hour"])
    op.create_table(
        "zone_samples",
        sa.Column("zone", sa.String(length=63), nullable=False),
        sa.Column("at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("inside", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["zone"], ["zones.name"], name=op.f("fk_zone_samples_zone_zones"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("zone", "at", name=op.f("pk_zone_samples")),
    )
    op.create_index(op.f("ix_zone_samples_at"), "zone_samples", ["at"])
    op.execute(_COUNTED.format(hour=_HOURS[op.get_bind().dialect.name]))


def downgrade() -> None:
    for table in ("zone_samples", "gate_hours", "gate_places", "site_plans"):
        op.drop_table(table)
