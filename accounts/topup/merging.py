"""What two accounts of one person have open at channels and at the counter: it is settled before they are merged."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts.payments.offline_states import OfflineState
from accounts.payments.tables import OfflinePayment
from accounts.people.merge_parts import Foreseen, MergeObstacle
from accounts.tables import Person
from accounts.topup.tables import CashRequest, TopUpOrder

_OPEN_ORDERS = ("pending", "stranded", "returning")


def foresee(session: Session, keep: Person, gone: Person, *, now: datetime) -> Foreseen:  # noqa: ARG001
    """Say what is open; nothing moves."""
    checks = {
        MergeObstacle.TOP_UP_OPEN: (TopUpOrder.id, TopUpOrder.person_id == gone.id, TopUpOrder.state.in_(_OPEN_ORDERS)),
        MergeObstacle.CASH_WAITING: (CashRequest.id, CashRequest.person_id == gone.id, CashRequest.state == "waiting"),
        MergeObstacle.OFFLINE_WAITING: (
            OfflinePayment.id,
            OfflinePayment.person_id == gone.id,
            OfflinePayment.state == OfflineState.WAITING,
        ),
    }
    return Foreseen(frozenset(one for one, (what, *where) in checks.items() if _is_any(session, what, *where)))


def move(session: Session, keep: Person, gone: Person, *, by: str, now: datetime) -> None:
    """Move nothing: orders and requests of before are history of the account they were made for."""


def _is_any(session: Session, what: InstrumentedAttribute[object], *where: ColumnElement[bool]) -> bool:
    return session.scalar(select(what).where(*where).limit(1)) is not None
