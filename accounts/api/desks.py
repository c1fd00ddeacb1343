"""What a desk (of the library, of a computer room) asks of a holder without their card."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from accounts import people
from accounts.api.dependencies import DEVICE_ERRORS, HASHING, DeskDep, NowDep, ServicesDep
from accounts.api.kiosks import HOLDER_ERRORS, HolderIn
from accounts.kiosk_holders import identify_holder
from accounts.people import Standing
from accounts.vocabulary import PersonKind
from web.problems import responses

router = APIRouter(prefix="/api/v1", tags=["desk"])


class DeskOut(BaseModel):
    """The desk that asks."""

    name: str
    campus: str | None


class DeskHolderOut(BaseModel):
    """Whose number and query password these are."""

    person_id: UUID
    standing: Standing
    name: str
    number: str
    kind: PersonKind
    department: str | None


@router.get("/desk", responses=responses(*DEVICE_ERRORS))
async def read_desk(desk: DeskDep) -> DeskOut:
    """Say which desk asks: whether its token is good."""
    return DeskOut(name=desk.name, campus=desk.campus)


@router.post("/desk/holder", dependencies=[HASHING], responses=responses(*HOLDER_ERRORS))
def read_holder_at_desk(desk: DeskDep, services: ServicesDep, now: NowDep, body: HolderIn) -> DeskHolderOut:
    """Say who somebody is that typed their number and query password, and whether their account is good."""
    person_id = identify_holder(services, desk, body.number, body.query_password, now)
    with services.database.read() as session:
        person = people.get(session, person_id)
        return DeskHolderOut(
            person_id=person.id,
            standing=people.standing(person, now),
            name=person.name,
            number=person.number,
            kind=person.kind,
            department=person.department,
        )
