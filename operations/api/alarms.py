"""Alarms, for facilities staff."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from accounts.api.dependencies import ROLE_ERRORS, DatabaseDep, FacilitiesDep, NowDep
from operations.alarms import register
from operations.api.dependencies import OperationsDep
from operations.schemas import AcknowledgementIn
from operations.tables import Alarm
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses
from web.text import Slug

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])


class AlarmOut(BaseModel):
    """An alarm; see `docs/operations.md` for the kinds and how they end."""

    id: UUID
    gate: str = Field(description="`-` stands for the whole site")
    kind: str
    severity: Literal["critical", "major", "minor"]
    reason: str | None
    event_id: UUID | None = Field(description="the last event that raised it")
    raised_at: datetime
    last_at: datetime
    count: int = Field(description="how often it happened while the alarm was open")
    restored_at: datetime | None = Field(description="when the cause was over")
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    note: str
    escalated_at: datetime | None
    closed_at: datetime | None
    until: datetime | None = Field(default=None, description="when an open one is over by itself, where that is known")

    @classmethod
    def of(cls, alarm: Alarm, until: datetime | None = None) -> "AlarmOut":
        """Show `alarm`."""
        return cls.model_validate(alarm, from_attributes=True).model_copy(update={"until": until})


@router.get("/alarms/open", responses=responses(*ROLE_ERRORS))
def list_open_alarms(_staff: FacilitiesDep, database: DatabaseDep) -> list[AlarmOut]:
    """List the open alarms: what nobody has acknowledged first, then the worst, then the newest."""
    with database.read() as session:
        alarms = register.open_alarms(session)
        until = register.expected_ends(session, alarms)
    return [AlarmOut.of(alarm, until.get(alarm.id)) for alarm in alarms]


@router.get("/alarms", responses=responses(*ROLE_ERRORS, InvalidCursorError))
def list_alarms(
    _staff: FacilitiesDep, database: DatabaseDep, page: PageDep, gate: Slug | None = None
) -> Page[AlarmOut]:
    """List all alarms, open and closed, newest first."""
    with database.read() as session:
        rows = register.find(session, before=page.after(UUID), limit=page.limit + 1, gate=gate)
    shown, following = page.cut(rows, lambda alarm: alarm.id)
    return Page(items=[AlarmOut.of(alarm) for alarm in shown], next=following)


@router.post(
    "/alarms/{alarm_id}/acknowledge", responses=responses(*ROLE_ERRORS, NotFoundError, register.AlarmNotOpenError)
)
def acknowledge_alarm(
    alarm_id: UUID,
    body: AcknowledgementIn,
    *,
    staff: FacilitiesDep,
    operations: OperationsDep,
    database: DatabaseDep,
    now: NowDep,
) -> AlarmOut:
    """Say that somebody has seen the alarm and looks after it; escalation ends. Audited."""
    with database.begin() as session:
        alarm = register.acknowledge(session, alarm_id, by=staff.person_id, note=body.note, now=now)
    operations.board.touch()
    return AlarmOut.of(alarm)
