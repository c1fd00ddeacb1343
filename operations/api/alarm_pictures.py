"""Pictures of alarms: sent by the edge of the gate, looked at by facilities staff; each look is in the audit trail."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import BaseModel

from accounts.api.dependencies import (
    DEVICE_ERRORS,
    ROLE_ERRORS,
    DatabaseDep,
    FacilitiesDep,
    NowDep,
    require_device,
)
from accounts.api.disclosures import record_disclosure
from accounts.principals import DevicePrincipal
from accounts.vocabulary import DeviceRole
from directory.api.dependencies import GateName, Moment, WrongGateError, check_gate
from operations.alarms import pictures
from operations.alarms.pictures import AlarmPictureNotWantedError, AlarmPictureUnreadableError
from operations.api.dependencies import OperationsDep
from operations.tables import AlarmPicture
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])

EdgeDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.EDGE))]
JPEG = "image/jpeg"


class AlarmPictureOut(BaseModel):
    """That there is a picture of an alarm; the picture itself is asked for by `event_id`."""

    event_id: UUID
    taken_at: datetime

    @classmethod
    def of(cls, picture: AlarmPicture) -> "AlarmPictureOut":
        """Show `picture`."""
        return cls.model_validate(picture, from_attributes=True)


@router.put(
    "/gates/{gate}/alarm-pictures/{event_id}",
    status_code=204,
    responses=responses(
        *DEVICE_ERRORS, WrongGateError, NotFoundError, AlarmPictureNotWantedError, AlarmPictureUnreadableError
    ),
)
def put_picture(
    gate: GateName,
    event_id: UUID,
    *,
    device: EdgeDep,
    database: DatabaseDep,
    operations: OperationsDep,
    now: NowDep,
    taken_at: Annotated[Moment, Query(description="by the gate's clock")],
    picture: Annotated[bytes, Body(media_type=JPEG)],
) -> None:
    """Send what the camera saw at an event that raised an alarm; 404 before the event has arrived: try again then."""
    check_gate(device, gate)
    with database.begin() as session:
        is_new = operations.pictures.put(session, gate, event_id, picture, taken_at=taken_at, now=now)
    if is_new:
        operations.board.touch()


@router.get(
    "/alarms/{alarm_id}/pictures",
    responses=responses(*ROLE_ERRORS, NotFoundError),
    dependencies=[record_disclosure("alarms.read", "alarm:{alarm_id}")],
)
def list_pictures(alarm_id: UUID, _staff: FacilitiesDep, database: DatabaseDep) -> list[AlarmPictureOut]:
    """List the pictures of an alarm in the order in which they were taken; those that were erased are gone."""
    with database.read() as session:
        return [AlarmPictureOut.of(one) for one in pictures.find(session, alarm_id)]


@router.get(
    "/alarms/{alarm_id}/pictures/{event_id}",
    response_class=Response,
    responses={200: {"content": {JPEG: {}}}, **responses(*ROLE_ERRORS, NotFoundError)},
    dependencies=[record_disclosure("alarm.picture", "alarm:{alarm_id}")],
)
def get_picture(
    alarm_id: UUID, event_id: UUID, _staff: FacilitiesDep, database: DatabaseDep, operations: OperationsDep
) -> Response:
    """Return a picture of an alarm; the look is recorded."""
    with database.read() as session:
        jpeg = operations.pictures.open(session, alarm_id, event_id)
    return Response(jpeg, media_type=JPEG, headers={"Cache-Control": "no-store"})
