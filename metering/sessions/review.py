"""Sessions that wait for a person: what they shall cost, or nothing."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import audit
from accounts.payments.services import MoneyServices
from accounts.tables import Device
from metering.sessions import places, refunds, settlement
from metering.sessions.case import Case
from metering.sessions.tables import WaterSession
from metering.vocabulary import SessionState
from web.problems import NotFoundError, ProblemError


class SessionDecidedError(ProblemError):
    """Somebody decided otherwise before, or there was nothing to decide; `state` says what it is."""

    code = "session_decided"
    status = 409
    title = "This session does not wait for a decision"


class SessionOfNobodyError(ProblemError):
    """Whose session it is, is not known: it can only be let go."""

    code = "session_of_nobody"
    status = 409
    title = "Nobody can be charged for this session"


def decide(services: MoneyServices, session_id: UUID, fen: int, *, by: str, now: datetime) -> WaterSession:
    """Charge a session that waits `fen` in all, or let it go with 0; the same decision again changes nothing.

    Raises:
        NotFoundError: there is no such session.
        SessionDecidedError, SessionOfNobodyError: see there.
    """

    def work(session: Session, _: datetime) -> WaterSession:
        case = _case(session, services, session_id, now)
        row = case.row
        if row.state != SessionState.IN_REVIEW:
            if row.decided_fen != fen:
                raise SessionDecidedError(state=row.state)
            return row
        if row.person_id is None and fen:
            raise SessionOfNobodyError
        row.decided_by, row.decided_at, row.decided_fen = by, now, fen
        prices = places.by_id(session, row.price_list_id)
        hot = 0 if prices is None else prices.hot_cost(settlement.reading_of(case).uses)
        settlement.take(case, fen, hot, at=row.began_at)
        if row.billed > fen:
            above = row.billed - fen
            row.billed -= refunds.give_back(session, row, above, ref=row.id, zone=case.zone, by=by, now=now)
            row.subsidy = min(row.subsidy, row.billed)
        row.state, row.cost = SessionState.SETTLED, fen
        details: dict[str, audit.Scalar | list[str]] = {"fen": fen, "doubts": row.doubts.split()}
        audit.record(
            session,
            actor=by,
            action="water_session.decide",
            subject=f"water_session:{row.id}",
            now=now,
            details=details,
        )
        return row

    return services.writer.run(work)


def _case(session: Session, services: MoneyServices, session_id: UUID, now: datetime) -> Case:
    known = session.get(WaterSession, session_id)
    if known is None:
        raise NotFoundError("there is no such session")
    session.get(Device, known.device_id, with_for_update=True)
    row = session.get_one(WaterSession, session_id, populate_existing=True)
    return Case(session, services, row, places.placed(session, row.device_id), now)
