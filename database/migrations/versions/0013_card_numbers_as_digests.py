"""card numbers as digests

Revision: 0013
Revises: 0012
"""

import hashlib
import hmac
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_LIVE = "state NOT IN ('replaced', 'returned')"


def upgrade() -> None:
    op.add_column("cards", sa.Column("uid_digest", sa.String(length=64), nullable=True))
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        # The numbers leave no bytes behind in pages that are free now.
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    _digest(connection)
    op.drop_index("uq_cards_uid_live", "cards")
    # Not in a batch: SQLite would make the table anew, and lose what refers to it.
    op.drop_column("cards", "uid")
    if connection.dialect.name == "postgresql":
        # SQLite does not heed the length. A hash that is sealed under the pepper is longer.
        op.alter_column("passwords", "hash", type_=sa.String(length=300))
    op.create_index(
        "uq_cards_uid_digest_live",
        "cards",
        ["uid_digest"],
        unique=True,
        sqlite_where=sa.text(_LIVE),
        postgresql_where=sa.text(_LIVE),
    )


def downgrade() -> None:
    """Make the schema of before; a number cannot be had back from its digest."""
    op.drop_index("uq_cards_uid_digest_live", "cards")
    op.drop_column("cards", "uid_digest")
    op.add_column("cards", sa.Column("uid", sa.String(length=20), nullable=True))
    op.create_index(
        "uq_cards_uid_live",
        "cards",
        ["uid"],
        unique=True,
        sqlite_where=sa.text(_LIVE),
        postgresql_where=sa.text(_LIVE),
    )


def _digest(connection: Any) -> None:
    cards = sa.table("cards", sa.column("id"), sa.column("uid"), sa.column("uid_digest"))
    found = connection.execute(sa.select(cards.c.id, cards.c.uid).where(cards.c.uid.is_not(None))).all()
    key: bytes | None = context.config.attributes.get("credential_key")
    if not found:
        return
    if key is None:
        raise sa.exc.InvalidRequestError(
            f"{len(found)} card numbers are to become digests: set CAMPUSGATE_CREDENTIAL_KEY, the same as at the gates"
        )
    for card, uid in found:
        digest = hmac.new(key, b"card:" + uid.encode(), hashlib.sha256).hexdigest()
        connection.execute(sa.update(cards).where(cards.c.id == card).values(uid_digest=digest))
