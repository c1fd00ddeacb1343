"""The API of rooms and meters with facilities staff and a reader."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient

from accounts import audit, devices
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole, Role
from tests.metering.dormitory import Dormitory, address_of, at
from tests.sign_ins import sign_in


@dataclass
class Office:
    """The API with facilities staff, a reader, and short ways to ask."""

    client: TestClient
    accounts: AccountsServices
    dormitory: Dormitory
    staff: dict[str, str]
    reader: dict[str, str]
    reader_id: UUID

    def ask(self, method: str, path: str, body: Any = None, *, who: Any = None, status: int = 200) -> Any:
        answer = self.client.request(method, f"/api/v1{path}", json=body, headers=self.staff if who is None else who)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def code(self, method: str, path: str, body: Any = None, *, who: Any = None, status: int = 409) -> str:
        return self.ask(method, path, body, who=who, status=status)["code"]

    def resident(self, person_id: UUID, *roles: Role) -> dict[str, str]:
        return sign_in(self.accounts, person_id, roles, now=self.dormitory.now)

    def second_reader(self) -> tuple[UUID, dict[str, str]]:
        return add_reader(self.dormitory, "another reader")

    def wired_meter(self, serial: str = "A1", line: str = "north-6-a") -> str:
        """A meter on a line of the reader, in no room."""
        lines = {one["name"]: one["id"] for one in self.ask("GET", "/meter-lines")}
        if line not in lines:
            body = {"name": line, "url": "tcp://10.0.6.20:8899", "protocol": "dlt645", "device_id": str(self.reader_id)}
            lines[line] = self.ask("POST", "/meter-lines", body, status=201)["id"]
        body = {"serial": serial, "model": "dlt645-2007", "address": address_of(serial), "line_id": lines[line]}
        return self.ask("POST", "/meters", body, status=201)["id"]

    def send(self, meter: str, serial: str, *values: tuple[float, int], who: Any = None) -> Any:
        readings = [
            {"meter": meter, "serial": serial, "at": at(hour).isoformat(), "digits": digits} for hour, digits in values
        ]
        return self.ask("POST", "/meter-reader/readings", {"readings": readings}, who=who or self.reader)

    def actions(self) -> list[str]:
        with self.dormitory.database.read() as session:
            return [line.action for line in audit.find(session, limit=200)]


def add_reader(dormitory: Dormitory, name: str) -> tuple[UUID, dict[str, str]]:
    with dormitory.database.begin() as session:
        device, token = devices.add(session, name=name, role=DeviceRole.METER, by="system", now=dormitory.now)
        return device.id, {"Authorization": f"Bearer {token}"}
