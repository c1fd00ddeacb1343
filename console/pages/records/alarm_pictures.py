"""What a gate's camera saw when an alarm was raised: shown when somebody asks, and each look is recorded."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from console.dependencies import ServicesDep, StaffDep
from console.disclosures import record_disclosure
from console.rendering import forbid_storing, jpeg_response, render_page
from console.views.records import describe_past_alarm, names_in
from directory import gates
from operations.alarms import pictures
from operations.tables import Alarm

router = APIRouter(
    prefix="/console/records/alarms/{alarm_id}/pictures",
    include_in_schema=False,
    dependencies=[Depends(forbid_storing)],
)


@router.get(
    "",
    response_class=HTMLResponse,
    dependencies=[record_disclosure("alarms.read", "alarm:{alarm_id}")],
    name="alarm_pictures_page",
)
def show(alarm_id: UUID, request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show an alarm with its pictures; those that were erased are gone."""
    with services.database.read() as session:
        found = pictures.find(session, alarm_id)
        alarm = session.get_one(Alarm, alarm_id)
        return render_page(
            request,
            "records/alarm_pictures.html",
            problem=None,
            alarm=describe_past_alarm(alarm, names_in(services, [alarm], []), pictures=len(found)),
            titles=gates.find_titles(session),
            pictures=found,
            keep=services.alarm_pictures.rules.keep,
        )


@router.get(
    "/{event_id}",
    response_class=Response,
    dependencies=[record_disclosure("alarm.picture", "alarm:{alarm_id}")],
    name="alarm_picture",
)
def show_picture(
    alarm_id: UUID, event_id: UUID, _staff: StaffDep, services: ServicesDep, response: Response
) -> Response:
    """Return one of them."""
    with services.database.read() as session:
        jpeg = services.alarm_pictures.open(session, alarm_id, event_id)
    return jpeg_response(jpeg, response)
