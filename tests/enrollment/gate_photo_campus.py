"""A server with a gate that takes second photos, its clock, and short ways to what tests do with it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx
from sqlalchemy import select

from access.probe_offer import (
    Binding,
    ProbeAnswer,
    ProbeContent,
    ProbeOffer,
    SealedProbe,
    ViewQuality,
    seal_probe,
)
from accounts.tables import AuditEntry
from directory.publisher import Publisher
from messages import SystemClock
from models.template import Template
from tests.enrollment.enrollment_api import EnrollmentApi

GATE = "north"
GOOD_VIEW = ViewQuality(yaw=2, pitch=-3, inter_eye_distance=60, sharpness=0.1, frames=5)


@dataclass
class Campus(EnrollmentApi):
    """The server with a gate, and its edge's token."""

    token: str = ""
    other_token: str = ""

    def ask(self, person_id: UUID, *, gate: str = GATE, token: str | None = None, **changes: object) -> httpx.Response:
        request = {
            "person_id": str(person_id),
            "method": "card",
            "at": self.now.isoformat(),
            "model_id": self.services.engine.model_id,
        }
        address = f"/api/v1/directory/gates/{gate}/probe-offers"
        return self.client.post(address, json=request | changes, headers=self._bearer(token))

    def open_offer(self, person_id: UUID) -> ProbeOffer:
        answer = ProbeAnswer.model_validate_json(self.ask(person_id).content)
        assert answer.offer is not None, answer
        return answer.offer

    def probe(self, offer: ProbeOffer, person_id: UUID, template: Template, **changes: object) -> SealedProbe:
        bound = {"gate": GATE, "offer_id": offer.offer_id, "person_id": person_id, "model_id": template.model_id}
        binding = Binding.model_validate(bound | changes)
        return SealedProbe(
            sealed=seal_probe(ProbeContent(template=template.to_bytes()), offer.public_key, binding), quality=GOOD_VIEW
        )

    def send(self, offer_id: UUID, probe: SealedProbe, *, gate: str = GATE, token: str | None = None) -> httpx.Response:
        address = f"/api/v1/directory/gates/{gate}/probe-offers/{offer_id}"
        headers = self._bearer(token) | {"Content-Type": "application/json"}
        return self.client.post(address, content=probe.model_dump_json(), headers=headers)

    def offer_and_send(self, person_id: UUID, template: Template, **changes: object) -> httpx.Response:
        offer = self.open_offer(person_id)
        return self.send(offer.offer_id, self.probe(offer, person_id, template, **changes))

    def agree_to_gate_photos(self, person_id: UUID) -> httpx.Response:
        address, headers = "/api/v1/me/gate-photo-consent", self.as_person(person_id)
        return self.client.put(address, json={"version": "1"}, headers=headers)

    def publish(self) -> None:
        model_id = self.services.engine.model_id
        Publisher(self.services.database, self.services.sealer, model_id=model_id, clock=lambda: self.now).publish()

    def refusals(self) -> list[str]:
        with self.services.database.read() as session:
            query = select(AuditEntry.details).where(AuditEntry.action == "gate_photo.refused")
            return [str(details) for details in session.scalars(query.order_by(AuditEntry.serial))]

    def second(self, person_id: UUID) -> dict[str, object] | None:
        found = self.client.get("/api/v1/photos", headers=self.as_person(person_id)).json()["items"]
        return next((photo for photo in found if photo["slot"] == "second"), None)

    def _bearer(self, token: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self.token}"}


class CampusClock(SystemClock):
    """The campus's wall clock, and a monotonic one that stands."""

    def __init__(self, campus: Campus) -> None:
        self._campus = campus
        self.seconds = 100.0

    def now(self) -> datetime:
        return self._campus.now

    def monotonic(self) -> float:
        return self.seconds
