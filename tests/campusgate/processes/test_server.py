"""The assembled server: every room's services are in their place."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from accounts.payment_channels.loopback import loopback
from bus import BrokerAddress
from bus.session import Session
from campusgate.processes.jobs import server_jobs
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import Server, assemble
from campusgate.settings import EnrollmentSettings, MqttSettings, Settings, SettingsError
from campusgate.wiring.retention import make_retention_policy
from directory import gate_models
from directory.publisher import Publisher
from directory.tables import LookAlikeState
from enrollment.quality import Checker
from models.embedders.registry import EMBEDDERS
from models.engine import FaceEngine
from operations.alarms import register
from tests.app_client import AppClient
from tests.databases import begin
from tests.keys import key_text
from tests.sign_ins import sign_in
from tests.waiting import PATIENCE_S, until

NO_BROKER = {"broker": False, "orders": False, "contested": None, "storage": "ok"}
FORMER = EMBEDDERS["mobilefacenet+dlib-resnet"].model_id
SECRETS = {
    "token_secret": SecretStr(key_text("tokens")),
    "template_key": SecretStr(key_text("templates")),
    "credential_key": SecretStr(key_text("credentials")),
}


def close(server: Server) -> None:
    """End what `assemble` began."""
    server.money.writer.close()
    server.database.close()


@pytest.fixture(autouse=True)
def begun(tmp_path: Path) -> None:
    begin(tmp_path)


@pytest.fixture
def server(engine: FaceEngine, tmp_path, unused_port) -> Iterator[Server]:
    settings = Settings(data_dir=tmp_path, mqtt=MqttSettings(port=unused_port), **SECRETS)
    server = assemble(settings, engine, Checker(engine))
    yield server
    close(server)


@pytest.fixture
def client(server: Server) -> Iterator[TestClient]:
    with AppClient(make_app(server), raise_server_exceptions=False) as client:
        yield client


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    answer = client.get("/console/sign-in")
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_health_tells_the_database_from_the_broker(server: Server, client: TestClient, monkeypatch) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "database": True, **NO_BROKER})

    path = server.settings.data_dir / "campusgate.db"
    server.database.engine.dispose()
    path.rename(path.with_suffix(".gone"))
    path.mkdir()
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "down", "database": False, **NO_BROKER, "storage": "missing"},
    )


def test_health_and_an_alarm_tell_when_another_client_takes_the_place_of_the_orders(
    engine: FaceEngine, tmp_path, make_broker
) -> None:
    broker = make_broker()
    if type(broker).__name__ != "MosquittoBackend":
        pytest.skip("the embedded broker has tests of its own about takeovers")
    server = assemble(
        Settings(data_dir=tmp_path, mqtt=MqttSettings(port=broker.port), **SECRETS), engine, Checker(engine)
    )
    orders = server.connections.orders
    with AppClient(make_app(server)) as client:
        for connection in (server.connections.events, orders):
            connection.wait_connected(PATIENCE_S)
        well = {"status": "ok", "database": True, "broker": True, "orders": True, "contested": None, "storage": "ok"}
        # The name is in the documentation, so an attacker tries it first: nobody has this id.
        for guessed in ("main-server-orders", "main-server"):
            thief = Session(BrokerAddress(port=broker.port), guessed, None, lambda *_: None)
            thief.open()
            assert client.get("/health").json() == well
            thief.close()
        assert (orders.connections, server.connections.events.connections) == (1, 1)
        # Even one who has the id from the broker's own log does not go unseen.
        for times in range(2, 5):
            thief = Session(BrokerAddress(port=broker.port), orders.client_id, None, lambda *_: None)
            thief.open()
            until(lambda: orders.connections == times and orders.connected)  # noqa: B023 -- within the round
            thief.close()
        assert client.get("/health").json() == well | {"status": "degraded", "contested": "orders"}
        server.alarms.update()
        with server.database.read() as session:
            found = [(alarm.kind, alarm.reason) for alarm in register.open_alarms(session)]
        assert ("connection_contested", "orders") in found


def test_a_persons_export_says_which_gates_hold_their_template(client: TestClient, server: Server) -> None:
    headers = sign_in(server.accounts, now=datetime.now(UTC))
    held = client.get("/api/v1/me/face-data", headers=headers).json()
    assert held["gates"] == {"gates_with_template": [], "outstanding": 0, "receipts": []}


def test_every_job_can_be_done_at_any_time_and_again(server: Server) -> None:
    zone = server.settings.time_zone
    sides = {name: loopback(name, zone=zone) for name in ("wechat", "alipay")}
    sides["wechat"][0].answers_to_lose = 10**6
    money = replace(server.money, channels={name: channel for name, (_, channel) in sides.items()})
    everything = server_jobs.make_housekeeping_jobs(
        server.database, money, server.settings
    ) + server_jobs.make_channel_jobs(money, zone)
    for _ in range(2):
        for job in everything:
            job.do(datetime.now(UTC))


def test_photos_are_taken_as_the_settings_say(engine: FaceEngine, tmp_path) -> None:
    chosen = EnrollmentSettings(consent_version="2027", keep_pictures=True, keep_thumbnails=False)
    settings = Settings(data_dir=tmp_path, enrollment=chosen, **SECRETS)
    server = assemble(settings, engine, Checker(engine), [engine])
    made = server.enrollment
    assert (made.consent_version, made.keep_pictures, made.with_thumbnails) == ("2027", True, False)
    assert made.further_engines == (engine,)
    assert make_retention_policy(settings).keep_pictures
    close(server)


@pytest.fixture
def changing(engine: FaceEngine, tmp_path, unused_port) -> Settings:
    """A campus whose server ran with the former face model, and then with the present one."""
    settings = Settings(data_dir=tmp_path, mqtt=MqttSettings(port=unused_port), **SECRETS)
    server = assemble(settings, engine, Checker(engine))
    Publisher(server.database, server.sealer, model_id=FORMER).publish()
    server.publisher.publish()
    close(server)
    return settings


def test_a_model_can_be_forgotten_while_the_server_runs(engine: FaceEngine, changing: Settings) -> None:
    former = engine.with_embedder(Mock(model_id=FORMER))
    server = assemble(changing, engine, Checker(engine), [former])
    assert server.enrollment.find_further_engines() == (former,)
    with server.database.begin() as session:
        gate_models.forget(session, FORMER)
    server.publisher.publish()
    assert server.enrollment.find_further_engines() == ()
    close(server)


def test_look_alikes_by_the_former_model_are_known_without_its_weights(engine: FaceEngine, changing: Settings) -> None:
    server = assemble(changing, engine, Checker(engine))
    server.look_alikes.follow()
    with server.database.read() as session:
        assert session.get_one(LookAlikeState, 1).models == sorted((engine.model_id, FORMER))
    close(server)


@pytest.mark.parametrize("missing", SECRETS)
def test_a_server_without_a_secret_does_not_start(engine: FaceEngine, tmp_path, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"CAMPUSGATE_{missing.upper()} is not set"):
        assemble(Settings(data_dir=tmp_path, **(SECRETS | {missing: None})), engine, Checker(engine))


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("credential_key", "CAMPUSGATE_CREDENTIAL_KEY is another key .*no card, code or PIN"),
        ("template_key", "CAMPUSGATE_TEMPLATE_KEY is another key .*CAMPUSGATE_TEMPLATE_KEY_NUMBER"),
    ],
)
def test_a_key_that_was_changed_is_noticed_also_before_anything_was_stored(
    engine: FaceEngine, tmp_path, variable: str, says: str
) -> None:
    settings = Settings(data_dir=tmp_path, **SECRETS)
    for _ in range(2):
        close(assemble(settings, engine, Checker(engine)))
    changed = Settings(data_dir=tmp_path, **SECRETS | {variable: SecretStr(key_text("another"))})
    with pytest.raises(SettingsError, match=says) as refused:
        assemble(changed, engine, Checker(engine))
    assert key_text("another") not in str(refused.value)
    close(assemble(settings, engine, Checker(engine)))


def test_a_template_key_with_the_next_number_is_a_new_key(engine: FaceEngine, tmp_path) -> None:
    close(assemble(Settings(data_dir=tmp_path, **SECRETS), engine, Checker(engine)))
    changed = {"template_key": SecretStr(key_text("another")), "template_key_number": 2}
    older = {"previous_template_keys": {1: SECRETS["template_key"]}}
    settings = Settings(data_dir=tmp_path, **SECRETS | changed | older)
    close(assemble(settings, engine, Checker(engine)))
