"""The controller of a shower as a process: a card at its reader, a question at the broker, a light at the reader."""

import json
import os
import queue
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from access.credentials import card_digest
from campusgate.processes.shower import run_shower
from campusgate.settings import MqttSettings, Settings
from campusgate.settings.shower_file import read_shower_file
from messages import (
    SERVER_SENDER,
    Purpose,
    ShowerAvailability,
    ShowerTopic,
    ShowerTopics,
    SignedMessage,
    make_private_key,
    public_key_text,
    seal,
)
from messages.metering import SessionAnswer, SessionReport, SessionStep
from metering.vocabulary import SessionRefusal
from tests import keys
from tests.metering.shower.test_line_hydraulics import VALVE, Peers
from tests.notify_socket import NotifySocket
from tests.ports import free_port
from tests.waiting import PATIENCE_S

DEVICE = UUID(int=77)
TOPICS = ShowerTopics("main", DEVICE)


def shower_file(folder: Path, peers: Peers, reader_port: int) -> Path:
    path = folder / "shower.toml"
    path.write_text(f"""
device = "{DEVICE}"
poll_s = 0.1
[valve]
url = "tcp://127.0.0.1:{peers.valve_port}"
address = "{VALVE}"
model = "cjt188"
[[meters]]
utility = "hot_water"
url = "tcp://127.0.0.1:{peers.counter_port}?framing=mbap"
protocol = "modbus"
address = "3"
model = "u32-0000-input"
pulses_per_m3 = 450000
[reader]
driver = "lines"
port = {reader_port}
""")
    return path


def test_a_card_is_asked_for_by_its_digest_and_the_reader_shows_the_servers_answer(
    make_broker, connect, tmp_path: Path, supervisor: NotifySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers, broker, reader_port = Peers(), make_broker(), free_port()
    server_key = make_private_key(tmp_path / "server.pem")
    make_private_key(tmp_path / "shower.pem")
    (tmp_path / "trusted.json").write_text(json.dumps({SERVER_SENDER: public_key_text(server_key)}))
    settings = Settings(
        data_dir=tmp_path / "data",
        mqtt=MqttSettings(port=broker.port),
        signing_key_file=tmp_path / "shower.pem",
        trusted_keys_file=tmp_path / "trusted.json",
        credential_key=SecretStr(keys.key_text("credentials")),
    )
    server, heard = connect(broker, "server"), queue.Queue[SessionReport]()
    said: queue.Queue[ShowerAvailability] = queue.Queue()

    def answer(_topic: str, payload: bytes, _retained: bool) -> None:
        report = SessionReport.decode(SignedMessage.decode(payload).body.encode())
        refused = SessionAnswer(
            device=DEVICE, session=report.session, seq=report.seq, at=datetime.now(UTC), state="refused",
            refusal=SessionRefusal.NO_CREDIT,
        )  # fmt: skip
        heard.put(report)
        server.publish(TOPICS.of(ShowerTopic.ANSWERS), seal(server_key, SERVER_SENDER, Purpose.SHOWER_ANSWER, refused))

    server.subscribe(TOPICS.of(ShowerTopic.REPORTS), answer)
    server.subscribe(
        TOPICS.of(ShowerTopic.AVAILABILITY), lambda _topic, payload, _: said.put(ShowerAvailability.decode(payload))
    )
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    stop, ready = threading.Event(), threading.Event()
    umask = os.umask(0o022)
    file = read_shower_file(shower_file(tmp_path, peers, reader_port))
    process = threading.Thread(target=run_shower, args=(settings, file, stop, ready.set), daemon=True)
    process.start()
    try:
        assert ready.wait(PATIENCE_S)
        assert said.get(timeout=PATIENCE_S).status == "online"
        with socket.create_connection(("127.0.0.1", reader_port), PATIENCE_S) as line:
            line.sendall(b"card 04A31B72\n")
            assert line.recv(100) == b"denied no_credit\n"
        report = heard.get(timeout=PATIENCE_S)
        assert report.step is SessionStep.AUTHORISE
        assert report.card is not None
        assert report.card.digest == card_digest(keys.key("credentials"), "04A31B72")
        assert not peers.is_open
    finally:
        stop.set()
        process.join(PATIENCE_S)
        peers.stop()
        os.umask(umask)
    assert not process.is_alive()
    assert said.get(timeout=PATIENCE_S).status == "stopped"
    supervisor.wait_for("READY=1", "WATCHDOG=1")
    supervisor.wait_for("STOPPING=1")
