"""Edge and controller as processes run them, the assembled server and a broker: at rest nobody asks who passed."""

import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from pydantic import SecretStr

import campusgate.processes.controller
import campusgate.processes.edge
from access.passages import PassageSync, sync
from access.policy import Direction, GatePolicy, Occupancy, Rule
from accounts import devices
from accounts.vocabulary import DeviceRole
from campusgate.processes.controller import run_controller
from campusgate.processes.edge import EdgeOptions, run_edge
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server, assemble
from campusgate.processes.web_server import serve
from campusgate.settings import MqttSettings, Settings
from database import new_id
from directory import gates, zone_passages
from edge.policy import EdgePolicy
from enrollment.quality import Checker
from gate_controller.door_file import DoorFile, RelayTable
from messages import Event, EventKind, make_private_key, public_key_text, read_private_key
from messages.signed_codes import STAFF_SENDER
from models.engine import FaceEngine
from operations import zone_heartbeats
from tests.campusgate.processes.test_server import SECRETS
from tests.keys import key_text
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.parametrize("make_broker", ["embedded"], indirect=True)

ENGINE = cast("FaceEngine", SimpleNamespace(model_id="made-up-1"))
ONE_NETWORK = "mobilefacenet"
"""Two would leave a thread behind, which a process of its own takes along."""
POLICY = GatePolicy(
    gate="north",
    rules=(Rule(group="students"),),
    inner_zone="hall",
    direction=Direction.ENTRY,
    occupancy=Occupancy(limit=9),
)
INTERVAL_S, REST_S = 0.1, 2.0


class Counted:
    """The server's application, which counts who asks for passages."""

    def __init__(self, server: Server) -> None:
        self._app = make_app(server)
        self.asked = 0

    async def __call__(self, scope: MutableMapping[str, Any], *channels: Callable[..., Awaitable[Any]]) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/presence"):
            self.asked += 1
        await self._app(scope, *channels)

    def rests(self) -> bool:
        """Whether nobody asks for many intervals."""
        asked = self.asked
        time.sleep(REST_S)
        return self.asked == asked


@pytest.fixture
def server(broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Counted, str]]:
    monkeypatch.setattr(zone_heartbeats, "EVERY_S", 0.1)
    make_private_key(tmp_path / "staff.pem")
    (tmp_path / "trusts.json").write_text("{}")
    settings = Settings(
        data_dir=tmp_path / "server",
        mqtt=MqttSettings(port=broker.port),
        signing_key_file=tmp_path / "staff.pem",
        trusted_keys_file=tmp_path / "trusts.json",
        embedder=ONE_NETWORK,
        **SECRETS,
    )
    made = assemble(settings, ENGINE, Checker(ENGINE))
    with made.database.begin() as session:
        now = datetime.now(UTC)
        gates.put_zone(session, "hall", site="main", title="Hall", by="test", now=now)
        for name in ("north", "south"):
            gates.add(session, POLICY.model_copy(update={"gate": name}), title=name, by="test", now=now)
    app, stop, port = Counted(made), threading.Event(), free_port()
    thread = threading.Thread(target=serve, args=(app, "127.0.0.1", port, stop), daemon=True)
    thread.start()
    yield made, app, f"http://127.0.0.1:{port}"
    stop.set()
    thread.join(PATIENCE_S)


def settings_of(role: str, server: Server, url: str, folder: Path) -> Settings:
    own = folder / role
    own.mkdir()
    make_private_key(own / "key.pem")
    staff = public_key_text(read_private_key(folder / "staff.pem"))
    (own / "trusts.json").write_text(f'{{"{STAFF_SENDER}": "{staff}"}}')
    with server.database.begin() as session:
        kind = DeviceRole.EDGE if role == "edge" else DeviceRole.CONTROLLER
        _, token = devices.add(session, name=role, role=kind, gate="north", by="test", now=datetime.now(UTC))
    return Settings(
        gate="north",
        data_dir=own,
        signing_key_file=own / "key.pem",
        trusted_keys_file=own / "trusts.json",
        credential_key=SECRETS["credential_key"],
        template_key=SecretStr(key_text("of a gate")),
        device_token=SecretStr(token),
        mqtt=server.settings.mqtt,
        server_url=url,
        embedder=ONE_NETWORK,
    )


@pytest.mark.parametrize("role", ["controller", "edge"])
def test_it_rests_while_the_server_speaks_and_asks_when_somebody_passed(
    server, role: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, app, url = server
    monkeypatch.setattr(sync, "LEAST_PAUSE_S", 0.01)
    monkeypatch.setattr(sync, "AWAITED_FOR_S", (2 * PATIENCE_S, 2 * PATIENCE_S))
    module = getattr(campusgate.processes, role)
    monkeypatch.setattr(module, "PassageSync", partial(PassageSync, interval=INTERVAL_S * sync.INTERVAL / 15))
    settings, stop = settings_of(role, made, url, tmp_path), threading.Event()
    if role == "edge":
        request.getfixturevalue("model_store")
        (tmp_path / "camera").mkdir()
        cv2.imwrite(str(tmp_path / "camera/dark.png"), np.zeros((120, 160, 3), np.uint8))
        run = partial(run_edge, settings, EdgeOptions(str(tmp_path / "camera"), EdgePolicy(), liveness=False), stop)
    else:
        door = DoorFile(relay=RelayTable(driver="simulated", record=tmp_path / "relay"))
        run = partial(run_controller, settings, door, stop, lambda _port: None)
    # A gate's process sets it for good.
    umask = os.umask(0o022)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        until(lambda: app.asked > 0)
        until(app.rests, "it asks and asks")
        asked = app.asked
        with made.database.begin() as session:
            now = datetime.now(UTC)
            passed = Event(id=new_id(), gate="south", at=now, kind=EventKind.ACCESS_GRANTED, person_id=new_id())
            zone_passages.record(session, [passed], now=now)
        until(lambda: app.asked > asked, "no hint came, and no heartbeat")
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        os.umask(umask)
    assert not thread.is_alive()
