"""The people whom a visitor of the demonstration can be on the pages, and the photos that wait for a reviewer.

The photos are handed in over the HTTP API, as from a phone: with consent, checked, compared, and brought to review.
"""

import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
from sqlalchemy.orm import Session

from accounts import passwords, people
from accounts.passwords import Hasher
from accounts.tables import PersonGroup, PersonRole
from accounts.vocabulary import PasswordPurpose, PersonKind, Role
from campusgate.demo.portraits import portrait
from errors import OperatorError
from models.engine import FaceEngine

_ACTOR = "demonstration"


class PhotosRefusedError(OperatorError):
    """The server did not take a photo of the demonstration; the message carries its answer."""


@dataclass(slots=True)
class Persona:
    """Somebody with a password for the pages; `photograph` is what they hand in.

    A holder's query and consumption password are the same `digits`.
    """

    number: str
    name: str
    role: Role | None = None
    photograph: str | None = None
    is_first_password: bool = False
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    digits: str = field(default_factory=lambda: f"{secrets.randbelow(900_000) + 100_000}", repr=False)


@dataclass(frozen=True, slots=True)
class Personas:
    """One account for each role, three holders that a visitor can be, and two more who handed in a photo."""

    guard: Persona
    cashier: Persona
    admin: Persona
    reviewer: Persona
    holder: Persona
    """Their first photo was refused at the intake; they ask for a look at another one."""
    resident: Persona
    """Lives in the dormitory, and takes the shower whose controller is there."""
    newcomer: Persona
    """Has first passwords and a card, was never asked about their face, and may pass the gate."""
    others: tuple[Persona, ...]
    """The first belongs to the group that may pass the gate; the second's face is like somebody else's."""

    @classmethod
    def of_the_demonstration(cls) -> "Personas":
        """Return them with fresh passwords."""
        return cls(
            Persona("F0001", "陈静", role=Role.FACILITIES),
            Persona("C0001", "林芳", role=Role.CASHIER),
            Persona("A0001", "何伟", role=Role.ADMIN),
            Persona("R0001", "吴敏", role=Role.REVIEWER),
            Persona("S2026003", "赵磊", photograph="stranger"),
            Persona("S2026001", "王小明"),
            Persona("S2026006", "周婷", is_first_password=True),
            (
                Persona("S2026004", "孙敏", photograph="li"),
                Persona("S2026005", "钱伟", photograph="wang-again"),
            ),
        )

    @property
    def everyone(self) -> tuple[Persona, ...]:
        """All of them."""
        return (*self.staff, self.holder, self.resident, self.newcomer, *self.others)

    @property
    def staff(self) -> tuple[Persona, ...]:
        """Whoever works here."""
        return (self.guard, self.cashier, self.admin, self.reviewer)


def open_accounts(session: Session, personas: Personas, groups: tuple[str, str], moment: datetime) -> None:
    """Give every persona an account and a password.

    Besides those who were imported, the newcomer, the first of the others and whoever works here may pass the gates,
    by the first and the second of `groups`.
    """
    of_holders, of_staff = groups
    hasher = Hasher()
    for persona in personas.everyone:
        person = people.by_number(session, persona.number)
        if person is None:
            kind = PersonKind.STAFF if persona.role else PersonKind.STUDENT
            particulars = people.Particulars(number=persona.number, name=persona.name, kind=kind, valid_from=moment)
            person = people.create(session, particulars, by=_ACTOR, now=moment)
        if persona.role is not None:
            session.add(PersonRole(person_id=person.id, role=persona.role))
        if persona.role is not None:
            session.add(PersonGroup(person_id=person.id, name=of_staff))
        elif persona in (personas.newcomer, personas.others[0]):
            session.add(PersonGroup(person_id=person.id, name=of_holders))
        hashed = {PasswordPurpose.PORTAL: hasher.hash(persona.password)}
        if persona.role is None:
            hashed |= dict.fromkeys((PasswordPurpose.QUERY, PasswordPurpose.CONSUMPTION), hasher.hash(persona.digits))
        passwords.store(session, person.id, hashed, must_change=persona.is_first_password, by=_ACTOR, now=moment)


def make_portraits(engine: FaceEngine, personas: Personas, photographs: Mapping[str, Path]) -> dict[str, bytes]:
    """Return what each persona hands in, by number: a JPEG."""
    made = {}
    for persona in personas.everyone:
        if persona.photograph is not None:
            stream = io.BytesIO()
            portrait(engine, photographs[persona.photograph]).save(stream, "JPEG", quality=95)
            made[persona.number] = stream.getvalue()
    return made


def hand_in(server_url: str, personas: Personas, portraits: Mapping[str, bytes]) -> None:
    """Let everybody consent and hand in their portrait; one that the rules refuse is brought before a reviewer.

    Raises:
        PhotosRefusedError: the server refused.
    """
    for persona in personas.everyone:
        if persona.number in portraits:
            with httpx.Client(base_url=server_url, timeout=30) as client:
                _hand_in(client, persona, portraits[persona.number])


def _hand_in(client: httpx.Client, persona: Persona, content: bytes) -> None:
    form = {"grant_type": "password", "username": persona.number, "password": persona.password}
    token = _checked(client.post("/api/v1/tokens", data=form))["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    version = _checked(client.get("/api/v1/me/face-consent"))["version"]
    _checked(client.put("/api/v1/me/face-consent", json={"version": version}))
    photo = _checked(client.post("/api/v1/photos", files={"file": ("photo.jpg", content)}))
    if photo["state"] == "rejected":
        _checked(client.post(f"/api/v1/photos/{photo['id']}/review"))


def _checked(answer: httpx.Response) -> dict[str, str]:
    if answer.is_error:
        raise PhotosRefusedError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    found: dict[str, str] = answer.json()
    return found
