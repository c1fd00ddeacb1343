"""A server with the enrolment's API alone, its clock, and short ways to what tests do with it."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from accounts.services import AccountsServices
from accounts.tables import AuditEntry
from accounts.vocabulary import Role
from enrollment import templates
from enrollment.services import EnrollmentServices
from tests.sign_ins import sign_in

GOOD, OTHER, TILTED_BACKGROUND = "real_00898.jpg", "real_00932.jpg", "real_01016.jpg"
"""Portraits that break no required rule."""


@dataclass
class EnrollmentApi:
    """The server, its clock and short ways to what the tests do."""

    client: TestClient
    accounts: AccountsServices
    services: EnrollmentServices
    now: datetime = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)

    def as_person(self, person_id: UUID, *roles: Role) -> dict[str, str]:
        return sign_in(self.accounts, person_id, roles, now=self.now)

    def consent(self, person_id: UUID) -> None:
        answer = self.client.put("/api/v1/me/face-consent", json={"version": "3"}, headers=self.as_person(person_id))
        assert answer.status_code == 200, answer.text

    def hand_in(self, person_id: UUID, content: bytes) -> httpx.Response:
        return self.client.post(
            "/api/v1/photos", files={"file": ("photo.jpg", content)}, headers=self.as_person(person_id)
        )

    def review(self, photo_id: str, step: str, reviewer: UUID, **body: Any) -> httpx.Response:
        headers = self.as_person(reviewer, Role.REVIEWER)
        return self.client.post(f"/api/v1/reviews/{photo_id}/{step}", json=body or None, headers=headers)

    def active(self) -> list[UUID]:
        with self.services.database.read() as session:
            return list(templates.load_active(session, self.services.sealer, self.services.engine.model_id))

    def steps(self, photo_id: str) -> list[str]:
        """What became of the photo; looks at it have tests of their own."""
        with self.services.database.read() as session:
            rows = session.scalars(
                select(AuditEntry.action).where(AuditEntry.subject == f"photo:{photo_id}").order_by(AuditEntry.serial)
            )
            return [action.removeprefix("photo.") for action in rows if action != "photo.read"]

    def approved(self, person_id: UUID, content: bytes, reviewer: UUID) -> str:
        """Hand in, claim and approve; returns the photo's id."""
        self.consent(person_id)
        photo = str(self.hand_in(person_id, content).json()["id"])
        self.review(photo, "claim", reviewer)
        assert self.review(photo, "approve", reviewer, note="ok").json()["state"] == "approved"
        return photo


def grey(content: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("L").save(stream, "JPEG")
    return stream.getvalue()


def again(content: bytes) -> bytes:
    """The same picture in another file."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(content)).save(stream, "JPEG", quality=88)
    return stream.getvalue()
