"""rooms in the ledger: an account of a room carries its balance as a wallet does, and may owe

Revision: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BEFORE = {
    "wallets_carry_a_balance": "(kind = 'wallet') = (balance IS NOT NULL)",
    "wallets_are_never_negative": "balance IS NULL OR (held >= 0 AND balance >= held)",
}
_AFTER = {
    "wallets_and_rooms_carry_a_balance": "(kind IN ('wallet', 'room')) = (balance IS NOT NULL)",
    "wallets_are_never_negative": "kind <> 'wallet' OR balance >= held",
    "held_amounts_are_not_negative": "held >= 0",
}


def upgrade() -> None:
    _replace(_BEFORE, _AFTER)


def downgrade() -> None:
    _replace(_AFTER, _BEFORE)


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    # SQLite's table is made anew, from what SQLAlchemy reflects of it: its checks among that.
    with op.batch_alter_table("ledger_accounts") as table:
        for name in old:
            table.drop_constraint(op.f(f"ck_ledger_accounts_{name}"), type_="check")
        for name, rule in new.items():
            table.create_check_constraint(op.f(f"ck_ledger_accounts_{name}"), sa.text(rule))
