"""The assembled server answers showers at the broker, where it has a key to sign with."""

import random
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from campusgate.demo.simulated_controller import ShowerSetting, SimulatedController
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server, assemble
from campusgate.settings import MqttSettings, Settings
from enrollment.quality import Checker
from messages import SERVER_SENDER, TrustedKey, read_private_key
from models.engine import FaceEngine
from tests import keys
from tests.app_client import AppClient
from tests.campusgate.processes.test_server import SECRETS, close
from tests.doubles.water_campus import SITE, WaterCampus
from tests.waiting import until

ENGINE = cast("FaceEngine", SimpleNamespace(model_id="made-up-1"))


def assembled(folder: Path, port: int, **more: object) -> Server:
    settings = Settings(data_dir=folder, site=SITE, mqtt=MqttSettings(port=port), **SECRETS, **more)  # type: ignore[arg-type]
    return assemble(settings, ENGINE, Checker(ENGINE))


def test_a_shower_that_the_server_trusts_learns_its_prices(make_broker, connect, tmp_path: Path) -> None:
    broker = make_broker()
    campus = WaterCampus(tmp_path, f"sqlite:///{tmp_path / 'campusgate.db'}", 1, credential_key=keys.key("credentials"))
    campus.populate()
    server = assembled(
        tmp_path, broker.port, signing_key_file=tmp_path / "server.pem", trusted_keys_file=tmp_path / "trusted.json"
    )
    with AppClient(make_app(server)):
        server.connections.events.wait_connected(30)
        device, key = campus.devices[0]
        server_key = TrustedKey(read_private_key(tmp_path / "server.pem").public_key())
        setting = ShowerSetting(SITE, tmp_path, {SERVER_SENDER: server_key}, poll_s=0.05)
        shower = SimulatedController(device, key, connect(broker, "shower"), setting, random.Random(1))

        def knows_its_prices() -> bool:
            shower.step()
            return shower.controller is not None and shower.controller.state.terms is not None

        until(knows_its_prices)
        assert shower.controller is not None
        terms = shower.controller.state.terms
        assert terms is not None
        assert [price.utility for price in terms.prices] == ["hot_water"]
        assert abs((terms.at - datetime.now(UTC)).total_seconds()) < 60


def test_a_server_without_a_key_answers_no_shower(tmp_path: Path, unused_port: int) -> None:
    server = assembled(tmp_path, unused_port)
    assert server.showers is None
    close(server)
