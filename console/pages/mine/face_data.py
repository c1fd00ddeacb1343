"""What is stored of one's own face: where it is, the whole of it as a file, and withdrawing consent."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.principals import Principal
from accounts.tables import Person
from console.csv_table import download
from console.dependencies import HolderDep, ServicesDep
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.views.own_face_data import find_face_data
from directory import gates
from enrollment import consent, data_export

router = APIRouter(prefix="/console/me/face-data", include_in_schema=False, dependencies=[Depends(forbid_storing)])


@router.get("", response_class=HTMLResponse, name="face_data_page")
def face_data_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show what is stored, where, and until when."""
    return _render(request, me, services)


@router.get("/export", response_class=Response, name="face_data_export")
def export(me: HolderDep, services: ServicesDep, response: Response) -> Response:
    """Download everything that is held: the account, photos, templates without vectors, consents, messages, gates."""
    with services.database.read() as session:
        person = people.get(session, me.person_id)
        held = {
            "account": _describe_account(person),
            **data_export.export_person(session, services.sealer, me.person_id, services.enrollment.gates),
        }
        number = person.number
    text = json.dumps(held, ensure_ascii=False, indent=2)
    return download(text, f"face-data-{number}.json", "application/json", response)


@router.post("/withdrawal", name="face_data_withdraw", response_class=Response)
def withdraw(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    understood: Annotated[bool, Form()] = False,
) -> Response:
    """Withdraw consent: photos and templates are erased here and leave every gate."""
    if not understood:
        return _render(request, me, services, problem="face_data.tick_first", status=422)
    with services.database.begin() as session:
        consent.withdraw(session, me.person_id, by=me.actor, now=services.now())
    return done(request, "face_data_page", "consent_withdrawn")


def _render(
    request: Request, me: Principal, services: ConsoleServices, *, problem: str | None = None, **more: Any
) -> HTMLResponse:
    with services.database.read() as session:
        found = find_face_data(session, services.enrollment, me.person_id)
        titles = gates.find_titles(session)
    rules = services.alarm_pictures.rules
    cameras = {
        "gates": sorted(titles[name] for name in rules.gates & titles.keys()),
        "rules": rules,
        "days": -(-rules.keep // timedelta(days=1)),
    }
    return render_page(request, "mine/face_data.html", problem=problem, data=found, cameras=cameras, **more)


def _describe_account(person: Person) -> dict[str, Any]:
    return {
        "number": person.number,
        "name": person.name,
        "kind": person.kind.value,
        "department": person.department,
        "groups": sorted(person.groups),
        "valid_from": person.valid_from.isoformat(),
        "valid_until": person.valid_until.isoformat() if person.valid_until else None,
    }
