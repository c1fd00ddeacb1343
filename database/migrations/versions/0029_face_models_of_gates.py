"""face models of gates: what is published, what edges can run, how many people each matches

Revision: 0029
Revises: 0028
"""

import json

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gate_models",
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("model_id", sa.String(length=255), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("changed_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gate"], ["gates.name"], name=op.f("fk_gate_models_gate_gates"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gate", "model_id", name=op.f("pk_gate_models")),
    )
    op.create_table(
        "edge_models",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=True),
        sa.Column("said_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_edge_models")),
    )
    op.add_column("gates", sa.Column("model_id", sa.String(length=255), nullable=True))
    op.add_column("gates", sa.Column("models", sa.JSON(), nullable=True))
    op.add_column("gate_entries", sa.Column("model_id", sa.String(length=255), nullable=True))
    op.add_column("template_receipts", sa.Column("model_id", sa.String(length=255), nullable=True))
    op.add_column("directory_state", sa.Column("models", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("directory_state", sa.Column("assembled", sa.JSON(), nullable=True))
    op.add_column("look_alike_state", sa.Column("models", sa.JSON(), nullable=True))
    _name_the_model_so_far()
    for table in ("directory_state", "look_alike_state"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("model_id")
    with op.batch_alter_table("directory_state") as batch:
        batch.alter_column("models", server_default=None)


def _name_the_model_so_far() -> None:
    """Everything published so far is of one model; records of people are assembled anew when the server starts."""
    # An entry's digests differ when, and only when, it holds templates.
    op.execute(
        "UPDATE gate_entries SET model_id = (SELECT model_id FROM directory_state WHERE id = 1)"
        " WHERE full_digest <> cards_digest"
    )
    op.execute(
        "INSERT INTO gate_models (gate, model_id, people, changed_at)"
        " SELECT gate, model_id, count(*), max(changed_at) FROM gate_entries"
        " WHERE model_id IS NOT NULL GROUP BY gate, model_id"
    )
    connection = op.get_bind()
    gates = sa.table(
        "gates", sa.column("name", sa.String()), sa.column("published", sa.Text()), sa.column("models", sa.JSON())
    )
    for name, published in connection.execute(sa.select(gates.c.name, gates.c.published)).all():
        model_id = json.loads(published)["model_id"] if published else None
        if published:
            models = [] if model_id is None else [model_id]
            connection.execute(sa.update(gates).where(gates.c.name == name).values(models=models))
    for table in ("directory_state", "look_alike_state"):
        state = sa.table(table, sa.column("model_id", sa.String()), sa.column("models", sa.JSON()))
        for (model_id,) in connection.execute(sa.select(state.c.model_id).where(state.c.model_id.is_not(None))).all():
            connection.execute(sa.update(state).values(models=[model_id]))


def downgrade() -> None:
    for table in ("directory_state", "look_alike_state"):
        op.add_column(table, sa.Column("model_id", sa.String(length=255), nullable=True))
    with op.batch_alter_table("look_alike_state") as batch:
        batch.drop_column("models")
    with op.batch_alter_table("directory_state") as batch:
        batch.drop_column("models")
        batch.drop_column("assembled")
    op.drop_column("template_receipts", "model_id")
    op.drop_column("gate_entries", "model_id")
    op.drop_column("gates", "models")
    op.drop_column("gates", "model_id")
    op.drop_table("edge_models")
    op.drop_table("gate_models")
