"""The assembled server answers the reading process: plan, orders, results, states; and shows the figures of meters."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from accounts.vocabulary import Role
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server
from metering.rooms.tables import MeterPeriod
from tests.app_client import AppClient
from tests.campusgate.processes.test_server import close
from tests.campusgate.processes.test_server_showers import assembled
from tests.keys import key_text
from tests.metering.supply.conftest import Dormitory, make_dormitory
from tests.sign_ins import sign_in

METRICS = key_text("metrics")


@pytest.fixture
def server(tmp_path: Path, unused_port: int) -> Iterator[Server]:
    server = assembled(tmp_path, unused_port, metrics_token=SecretStr(METRICS))
    yield server
    close(server)


@pytest.fixture
def dormitory(server: Server) -> Dormitory:
    made = make_dormitory(server.database)
    with server.database.begin() as session:
        session.execute(update(MeterPeriod).values(begins_at=datetime.now(UTC) - timedelta(days=1)))
    return made


def test_a_room_that_staff_cut_off_is_ordered_off_and_seen_off(server: Server, dormitory: Dormitory) -> None:
    staff = sign_in(server.accounts, None, [Role.FACILITIES], now=datetime.now(UTC))
    device = {"Authorization": f"Bearer {dormitory.device_token}"}
    with AppClient(make_app(server)) as client:

        def ask(method: str, path: str, headers: dict[str, str], body: object = None, status: int = 200) -> object:
            answer = client.request(method, f"/api/v1{path}", json=body, headers=headers)
            assert answer.status_code == status, answer.text
            return answer.json() if answer.content else None

        plan = ask("GET", "/meter-reader/plan", device)
        assert [meter["id"] for meter in plan["lines"][0]["meters"]] == [str(dormitory.meter)]
        assert ask("GET", "/meter-reader/orders", device) == {"orders": []}
        wanted = {"action": "trip", "reason": "malicious_load", "note": "a stove"}
        keyed = staff | {"Idempotency-Key": "cut-off-0001"}
        ask("POST", f"/rooms/{dormitory.room}/supply/requests", keyed, wanted, 201)
        (order,) = ask("GET", "/meter-reader/orders?wait_s=5", device)["orders"]
        assert (order["meter"], order["action"]) == (str(dormitory.meter), "trip")
        result = {"outcome": "done", "at": datetime.now(UTC).isoformat(), "supply": "off", "status_word": 0x50}
        ask("POST", f"/meter-reader/orders/{order['id']}/result", device, result, 204)
        seen = ask("GET", f"/rooms/{dormitory.room}/supply", staff)
        assert (seen["supply"], seen["advice"]) == ("off", "apply")
        line = {"line": plan["lines"][0]["id"], "is_up": False, "since": datetime.now(UTC).isoformat()}
        ask("POST", "/meter-reader/status", device, {"lines": [line]}, 204)
        figures = client.get("/metrics", headers={"Authorization": f"Bearer {METRICS}"}).text
        assert 'campusgate_meter_lines{state="down"} 1.0' in figures
        assert "campusgate_meters 1.0" in figures
        assert "campusgate_meter_lines_unread 0.0" in figures
