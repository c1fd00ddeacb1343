"""A ledger's writer that is kept busy, so that what is sent meanwhile becomes one group."""

from datetime import datetime
from threading import Event

from sqlalchemy.orm import Session

from accounts.ledger import LedgerWriter
from accounts.ledger.writer import _Submission
from tests.waiting import PATIENCE_S


def hold_up(writer: LedgerWriter) -> Event:
    """Hold up the writer's thread until the event that is returned is set."""
    begun, go_on = Event(), Event()

    def wait(_session: Session, _now: datetime) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)

    writer._submissions.put(_Submission(work=wait))
    assert begun.wait(PATIENCE_S)
    return go_on
