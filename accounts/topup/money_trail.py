"""The lines of the audit trail about money that a person moved by hand; verification looks for each of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit


def record(
    session: Session, action: str, person_id: UUID, amount: int, transfer_id: UUID, *, by: str, now: datetime
) -> None:
    """Write down who moved, or asked to move, `amount` fen of a person's account, and as which transfer."""
    details: dict[str, audit.Scalar | list[str]] = {"amount": amount, "transfer": str(transfer_id)}
    audit.record(session, actor=by, action=action, subject=f"person:{person_id}", now=now, details=details)
