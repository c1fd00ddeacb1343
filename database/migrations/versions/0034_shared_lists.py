"""lists that gates of one cut share; gates keep as their own what differs

Revision: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

from database import columns

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shared_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cut", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("full_total", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cards_total", sa.LargeBinary(length=32), nullable=False),
        sa.Column("published_at", columns.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shared_lists")),
    )
    op.create_table(
        "shared_entries",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.Column("is_removed", sa.Boolean(), nullable=False),
        sa.Column("is_revoked", sa.Boolean(), nullable=False),
        sa.Column("full_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("cards_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("model_id", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["list_id"], ["shared_lists.id"], name=op.f("fk_shared_entries_list_id_shared_lists"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "person_id", name=op.f("pk_shared_entries")),
    )
    op.create_index(op.f("ix_shared_entries_person_id"), "shared_entries", ["person_id"])
    op.create_index("ix_shared_entries_revision", "shared_entries", ["list_id", "revision"], unique=True)
    op.create_index("ix_shared_entries_revoked", "shared_entries", ["list_id", "is_revoked", "revision"])
    op.create_table(
        "shared_models",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.String(length=255), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("changed_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["shared_lists.id"], name=op.f("fk_shared_models_list_id_shared_lists"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "model_id", name=op.f("pk_shared_models")),
    )
    op.create_table(
        "past_lists",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("full_total", sa.LargeBinary(length=32), nullable=False),
        sa.Column("cards_total", sa.LargeBinary(length=32), nullable=False),
        sa.Column("replaced_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "revision", name=op.f("pk_past_lists")),
    )
    op.create_index(op.f("ix_past_lists_replaced_at"), "past_lists", ["replaced_at"])
    op.create_table(
        "past_gates",
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=True),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("own_full", sa.LargeBinary(length=32), nullable=False),
        sa.Column("own_cards", sa.LargeBinary(length=32), nullable=False),
        sa.Column("replaced_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["gate"], ["gates.name"], name=op.f("fk_past_gates_gate_gates"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gate", "revision", name=op.f("pk_past_gates")),
    )
    op.create_index(op.f("ix_past_gates_replaced_at"), "past_gates", ["replaced_at"])
    op.drop_table("published_digests")
    op.add_column("gates", sa.Column("list_id", sa.Uuid(), nullable=True))
    op.add_column("gates", sa.Column("joined_from", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("gates", sa.Column("joined_at", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(op.f("ix_gates_list_id"), "gates", ["list_id"])
    op.add_column("directory_state", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False))
    # All that gates know so far is their own; the publisher brings them to lists, and a device in step stays in step.
    op.execute("UPDATE directory_state SET revision = (SELECT coalesce(max(revision), 0) FROM gates)")
    op.execute("UPDATE gates SET is_dirty = true")


def downgrade() -> None:
    """Give every gate the rows of its list again, so that a device in step stays in step."""
    op.execute(
        "INSERT INTO gate_entries (gate, person_id, revision, changed_at, is_removed, is_revoked,"
        " full_digest, cards_digest, model_id)"
        " SELECT gates.name, shared.person_id, shared.revision, shared.changed_at, shared.is_removed,"
        " shared.is_revoked, shared.full_digest, shared.cards_digest, shared.model_id"
        " FROM gates JOIN shared_entries AS shared ON shared.list_id = gates.list_id"
        " WHERE NOT EXISTS (SELECT 1 FROM gate_entries AS own"
        " WHERE own.gate = gates.name AND own.person_id = shared.person_id)"
    )
    op.execute("DELETE FROM gate_models")
    op.execute(
        "INSERT INTO gate_models (gate, model_id, people, changed_at)"
        " SELECT gate, model_id, count(*), max(changed_at) FROM gate_entries"
        " WHERE model_id IS NOT NULL GROUP BY gate, model_id"
    )
    _add_the_sums_of_lists()
    op.drop_column("directory_state", "revision")
    op.drop_index(op.f("ix_gates_list_id"), "gates")
    for column in ("joined_at", "joined_from", "list_id"):
        op.drop_column("gates", column)
    for table in ("past_gates", "past_lists", "shared_models", "shared_entries", "shared_lists"):
        op.drop_table(table)
    op.create_table(
        "published_digests",
        sa.Column("gate", sa.String(length=63), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("full_digest", sa.String(length=64), nullable=False),
        sa.Column("cards_digest", sa.String(length=64), nullable=False),
        sa.Column("published_at", columns.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["gate"], ["gates.name"], name=op.f("fk_published_digests_gate_gates"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("gate", "revision", name=op.f("pk_published_digests")),
    )


_SUMS = ("revision", "floor", "full_total", "cards_total")


def _add_the_sums_of_lists() -> None:
    connection = op.get_bind()
    gates = sa.table("gates", *(sa.column(name) for name in ("name", "list_id", "joined_from", *_SUMS)))
    lists = sa.table("shared_lists", *(sa.column(name) for name in ("id", *_SUMS)))
    joined = gates.join(lists, gates.c.list_id == lists.c.id)
    columns_of_both = [table.c[name] for table in (gates, lists) for name in _SUMS]
    rows = connection.execute(sa.select(gates.c.name, gates.c.joined_from, *columns_of_both).select_from(joined)).all()
    for name, joined_from, *both in rows:
        own, shared = both[: len(_SUMS)], both[len(_SUMS) :]
        values = {
            "revision": max(own[0], shared[0]),
            "floor": max(own[1], shared[1], joined_from),
            "full_total": _add(own[2], shared[2]),
            "cards_total": _add(own[3], shared[3]),
        }
        connection.execute(sa.update(gates).where(gates.c.name == name).values(values))


def _add(own: bytes, shared: bytes) -> bytes:
    total = int.from_bytes(own, "big") + int.from_bytes(shared, "big")
    return (total % (1 << 256)).to_bytes(32, "big")
