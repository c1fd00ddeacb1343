"""Finding people."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict

from accounts import people
from accounts.vocabulary import PersonKind, PersonState, Role
from console.dependencies import CashierDep, ServicesDep
from console.disclosures import record_disclosure
from console.rendering import path_to, render_page
from enrollment import photo_states
from enrollment.tables import PhotoState
from web.paging import PageDep
from web.text import line

router = APIRouter(prefix="/console/office/people", include_in_schema=False)

NO_PHOTO = "none"


def _none_for_nothing(value: object) -> object:
    return None if value == "" else value


Text = Annotated[str, line(100)]
_Nothing = BeforeValidator(_none_for_nothing)


class PeopleSearch(BaseModel):
    """What the form of the list sends; an empty field asks for nothing."""

    model_config = ConfigDict(frozen=True)

    search: Annotated[Text | None, _Nothing] = None
    group: Annotated[Text | None, _Nothing] = None
    kind: Annotated[PersonKind | None, _Nothing] = None
    state: Annotated[PersonState | None, _Nothing] = None
    role: Annotated[Role | None, _Nothing] = None
    photo: Annotated[PhotoState | Literal["none"] | None, _Nothing] = None

    @property
    def query(self) -> dict[str, str]:
        """What the address of the next page says of it."""
        return {name: str(value) for name, value in self.model_dump(mode="json").items() if value is not None}


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
