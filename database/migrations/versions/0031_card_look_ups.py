"""indexes for the card that a payment of before was made with, and for its loss reports

Revision: 0031
Revises: 0030
"""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_cards_uid_digest"), "cards", ["uid_digest"])
    op.create_index(op.f("ix_loss_reports_card_id"), "loss_reports", ["card_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_loss_reports_card_id"), "loss_reports")
    op.drop_index(op.f("ix_cards_uid_digest"), "cards")
