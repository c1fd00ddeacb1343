"""gates hear of the virtual cards that were claimed before

Revision: 0028
Revises: 0027
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "now()"}


def upgrade() -> None:
    now = _NOW[op.get_bind().dialect.name]
    op.execute(
        "INSERT INTO person_changes (person_id, at)"  # noqa: S608 - no value of a user's is in it
        f" SELECT DISTINCT person_id, {now} FROM cards"
        " WHERE kind = 'virtual' AND state IN ('active', 'suspended') ORDER BY person_id"
    )


def downgrade() -> None:
    pass
