"""card numbers as digests

Revision: 0013
Revises: 0012
"""

import hashlib
import hmac
import json
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
    _take_numbers_out_of_answers(connection)
    _key_digests(connection, "answered_requests", "scope", "key")
    _key_digests(connection, "offline_payments", "id")
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
    if connection.dialect.name == "postgresql":
        # What was changed or dropped stays in the table's file until PostgreSQL writes it anew, as these make it do.
        op.execute("ALTER TABLE cards ALTER COLUMN uid_digest TYPE VARCHAR(64) USING uid_digest || ''")
        op.execute("ALTER TABLE answered_requests ALTER COLUMN answer TYPE TEXT USING answer || ''")
        op.execute("ALTER TABLE offline_payments ALTER COLUMN digest TYPE BYTEA USING digest || ''")


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
    if not found:
        return
    key = _key(f"digests of {len(found)} card numbers are")
    for card, uid in found:
        digest = hmac.new(key, b"card:" + uid.encode(), hashlib.sha256).hexdigest()
        connection.execute(sa.update(cards).where(cards.c.id == card).values(uid_digest=digest))


def _take_numbers_out_of_answers(connection: Any) -> None:
    """The answer to a cashier who issued a new card held its number."""
    answers = sa.table("answered_requests", sa.column("scope"), sa.column("key"), sa.column("answer"))
    scope, key = answers.c["scope"], answers.c["key"]
    for row in connection.execute(sa.select(answers).where(answers.c["answer"].contains('"uid"'))).all():
        answer = json.loads(row.answer)
        answer.pop("uid", None)
        mine = sa.and_(scope == row.scope, key == row.key)
        connection.execute(sa.update(answers).where(mine).values(answer=json.dumps(answer, separators=(",", ":"))))


def _key_digests(connection: Any, table: str, *keys: str) -> None:
    """A plain digest of a request lets its card's number be guessed; a digest of that under the key does not."""
    rows = sa.table(table, sa.column("digest"), *map(sa.column, keys))
    found = connection.execute(sa.select(rows)).all()
    if not found:
        return
    key = _key(f"{len(found)} digests of requests are")
    for row in found:
        mine = sa.and_(*(rows.c[name] == getattr(row, name) for name in keys))
        digest = hmac.digest(key, bytes(row.digest), "sha256")
        connection.execute(sa.update(rows).where(mine).values(digest=digest))


def _key(what: str) -> bytes:
    key: bytes | None = context.config.attributes.get("credential_key")
    if key is None:
        raise sa.exc.InvalidRequestError(
            f"{what} to be made under the site's key: set CAMPUSGATE_CREDENTIAL_KEY, the same as at the gates"
        )
    return key
