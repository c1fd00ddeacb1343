"""Cards that opened a gate after they were reported lost: the gate could not know yet, and the server can."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import LossReport
from messages import Event, EventKind, Method
from messages.events import Detail
from operations.alarms.rules import AFTER_LOSS


def flag(session: Session, events: Sequence[Event]) -> list[Event]:
    """Return the events, those flagged that let somebody in by card or its code while its loss was reported.

    The gate's own time counts, also when it was offline for days. A gate that had heard of the loss refuses the card,
    so only grants are looked at.
    """
    people = {one.person_id for one in events if _by_card(one)}
    if not people:
        return list(events)
    reports = session.execute(
        select(LossReport.person_id, LossReport.reported_at, LossReport.closed_at).where(
            LossReport.person_id.in_(people)
        )
    ).all()
    if not reports:
        return list(events)

    def is_late(event: Event) -> bool:
        return _by_card(event) and any(
            person == event.person_id and reported <= event.at and (closed is None or event.at < closed)
            for person, reported, closed in reports
        )

    return [
        one.model_copy(update={"details": {**one.details, AFTER_LOSS: True}}) if is_late(one) else one for one in events
    ]


def _by_card(event: Event) -> bool:
    by_card = event.method is Method.CARD or Detail.CODE_SECOND in event.details
    return event.kind == EventKind.ACCESS_GRANTED and by_card and event.person_id is not None
