"""Finding people."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.vocabulary import PersonKind, PersonState, Role
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.forms import NONE_FOR_NOTHING, ListSearch
from console.rendering import path_to, render_page
from enrollment import photo_states
from enrollment.tables import PhotoState
from web.paging import PageDep
from web.text import line

router = APIRouter(prefix="/console/office/people", include_in_schema=False)

NO_PHOTO = "none"


Text = Annotated[str, line(100)]


class PeopleSearch(ListSearch):
    """What the form of the list sends; an empty field asks for nothing."""

    search: Annotated[Text | None, NONE_FOR_NOTHING] = None
    group: Annotated[Text | None, NONE_FOR_NOTHING] = None
    kind: Annotated[PersonKind | None, NONE_FOR_NOTHING] = None
    state: Annotated[PersonState | None, NONE_FOR_NOTHING] = None
    role: Annotated[Role | None, NONE_FOR_NOTHING] = None
    photo: Annotated[PhotoState | Literal["none"] | None, NONE_FOR_NOTHING] = None


@router.get(
    "",
    response_class=HTMLResponse,
    name="office_people_page",
    dependencies=[record_disclosure("people.read", "people:list")],
)
def show_people(
    request: Request,
    *,
    cashier: CashierDep,
    services: ServicesDep,
    page: PageDep,
    wanted: Annotated[PeopleSearch, Depends()],
) -> HTMLResponse:
    """Show the people that the form asks for, in the order their accounts were made."""
    among = None
    if wanted.photo is not None:
        among = photo_states.stands_at(None if wanted.photo == NO_PHOTO else PhotoState(wanted.photo))
    with services.database.read() as session:
        found = people.find(
            session,
            after=page.after(UUID),
            limit=page.limit + 1,
            search=wanted.search,
            group=wanted.group,
            kind=wanted.kind,
            state=wanted.state,
            role=wanted.role,
            among=among,
        )
        rows, following = page.cut(found, lambda person: person.id)
        photos = photo_states.find_states(session, [person.id for person in rows])
        groups = people.find_groups(session)
    here = path_to(request, "office_people_page")
    return render_page(
        request,
        "office/people.html",
        people=rows,
        photos=photos,
        groups=groups,
        wanted=wanted,
        is_filtered=bool(wanted.query),
        is_admin=Role.ADMIN in cashier.roles,
        kinds=list(PersonKind),
        states=list(PersonState),
        roles=[role for role in Role if role is not Role.HOLDER],
        photo_states=[NO_PHOTO, *(state.value for state in SHOWN_PHOTO_STATES)],
        next=f"{here}?{urlencode({**wanted.query, 'cursor': following})}" if following else None,
    )


SHOWN_PHOTO_STATES = (PhotoState.APPROVED, PhotoState.IN_REVIEW, PhotoState.REJECTED)
