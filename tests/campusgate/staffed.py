"""The assembled server with somebody of every role and a device of every kind, for tests that go over all routes."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import Response
from fastapi.testclient import TestClient
from pydantic import SecretStr

from access.policy import GatePolicy
from accounts import cards, devices, people
from accounts.cards.uid_forms import UidForm
from accounts.payments import merchants
from accounts.people import Particulars
from accounts.tables import Person, PersonRole
from accounts.vocabulary import DeviceRole, PersonKind, Role
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server, assemble
from campusgate.settings import MqttSettings, Settings
from console import kiosk_cookies
from console.kiosk_cookies import Means, Visit
from console.sign_in_cookies import ACCESS_COOKIE
from directory import gates
from enrollment.quality import Checker
from models.engine import FaceEngine
from tests.app_client import AppClient
from tests.databases import begin

METRICS_TOKEN = "a token for the metrics"
PEOPLE = ("holder", *(role.value for role in Role if role is not Role.HOLDER))
DEVICES = tuple(role.value for role in DeviceRole)


@dataclass
class Staffed:
    """The server, and the headers of everybody who may call it."""

    server: Server
    client: TestClient
    ids: dict[str, UUID]
    tokens: dict[str, str]
    card_id: UUID

    def headers(self, who: str) -> dict[str, str]:
        # What changes something on the pages must come from them.
        if who == "anonymous":
            return {"Sec-Fetch-Site": "same-origin"}
        cookie = {"Cookie": f"{ACCESS_COOKIE}={self.tokens[who]}"} if who in PEOPLE else {}
        if who == "kiosk":
            cookie = {"Cookie": self._kiosk_cookies()}
        return {"Authorization": f"Bearer {self.tokens[who]}", "Sec-Fetch-Site": "same-origin"} | cookie

    def _kiosk_cookies(self) -> str:
        """A kiosk's screen in front of which somebody stands who gave their number and query password."""
        with self.server.database.read() as session:
            device = devices.by_name(session, "kiosk")
        now = datetime.now(UTC)
        visit = Visit(device.id, self.ids["somebody"], Means.NUMBER, now, now)
        answer = Response()
        kiosk_cookies.set_device(answer, self.tokens["kiosk"], UidForm.HEXADECIMAL, secure=True)
        kiosk_cookies.set_visit(answer, visit, self.server.accounts.secret, secure=True)
        return "; ".join(one.split(";")[0] for one in answer.headers.getlist("set-cookie"))


def _key() -> SecretStr:
    return SecretStr(base64.b64encode(os.urandom(32)).decode())


@contextmanager
def staffed(engine: FaceEngine, folder: Path, port: int) -> Iterator[Staffed]:
    settings = Settings(
        data_dir=folder,
        mqtt=MqttSettings(port=port),
        token_secret=_key(),
        template_key=_key(),
        credential_key=_key(),
        metrics_token=SecretStr(METRICS_TOKEN),
    )
    begin(folder)
    server = assemble(settings, engine, Checker(engine))
    now = datetime.now(UTC) - timedelta(minutes=1)
    ids: dict[str, UUID] = {}
    tokens: dict[str, str] = {"metrics": METRICS_TOKEN}
    with server.database.begin() as session:
        for number, who in enumerate((*PEOPLE, "somebody"), 1):
            given = Particulars(number=f"P{number:04}", name=f"Name {number}", kind=PersonKind.STAFF, valid_from=now)
            person = people.create(session, given, by="system", now=now)
            ids[who] = person.id
            if who in set(Role) - {Role.HOLDER}:
                session.add(PersonRole(person_id=person.id, role=Role(who)))
        card = cards.issue(
            session, session.get_one(Person, ids["somebody"]), "04A1B2C3D4E580", key_number=None, by="system",
            now=now,
        )  # fmt: skip
        gates.put_zone(session, "campus", site="main", title="Campus", by="system", now=now)
        gates.add(session, GatePolicy(gate="north"), title="North", by="system", now=now)
        shop = merchants.add(session, name="canteen", campus="north", service="canteen", by="system", now=now)
        places: dict[DeviceRole, UUID] = {}
        for role in DeviceRole:
            bound: dict[str, Any] = {"campus": "north"}
            if role in (DeviceRole.EDGE, DeviceRole.CONTROLLER):
                bound = {"gate": "north"}
            elif role in (DeviceRole.TERMINAL, DeviceRole.METER):
                bound |= {"merchant_id": shop.id}
            elif role is DeviceRole.DISPENSER:
                bound |= {"kiosk_id": places[DeviceRole.KIOSK]}
            device, tokens[role.value] = devices.add(session, name=role.value, role=role, by="system", now=now, **bound)
            places[role] = device.id
        card_id = card.id
    with AppClient(make_app(server), raise_server_exceptions=False, follow_redirects=False) as client:
        for who in PEOPLE:
            made = server.accounts.sign_in.begin(
                ids[who], method="password", must_change_password=False, now=datetime.now(UTC)
            )
            tokens[who] = made.access_token
        server.publisher.publish()
        yield Staffed(server, client, ids, tokens, card_id)
