"""The reference and the access list say what the code does."""

import json
import os
import queue
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bus import BrokerAddress, Connection, covers
from gate_controller.messages import Channel, GateTopics
from gate_controller.messages.permissions import Role, mosquitto_acl, rights
from gate_controller.messages.reference import ON_THE_WIRE, json_schemas, markdown
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


def test_the_reference_is_current() -> None:
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: campusgate messages reference > docs/messages.md"


def test_the_access_list_is_current() -> None:
    text = (ROOT / "deploy" / "mosquitto" / "campusgate.acl").read_text(encoding="utf-8")
    assert text == mosquitto_acl("main", ["north", "south"])


def test_every_topic_has_its_payload_and_somebody_who_says_and_hears_it() -> None:
    assert set(ON_THE_WIRE) == set(Channel)
    for channel in Channel:
        topic = GateTopics("main", "north").of(channel)
        granted = [rights(role, "main", "north") for role in Role]
        assert any(topic in one.publish for one in granted), channel
        assert any(topic in one.subscribe for one in granted), channel


def test_only_senders_of_commands_may_publish_them() -> None:
    command = GateTopics("main", "north").command
    assert command not in rights(Role.CONTROLLER, "main", "north").publish
    assert not any(covers(topic, command) for topic in rights(Role.EDGE, "main", "south").publish)


def test_schemas_are_json_and_name_every_field() -> None:
    schemas = json.loads(json.dumps(json_schemas()))
    assert {"boot_id", "nonce", "ttl_ms"} <= set(schemas["Command"]["required"])


def test_mosquitto_takes_the_configuration_we_ship(tmp_path: Path, unused_port: int) -> None:
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(binary).exists():
        pytest.skip("Mosquitto is not installed: Debian package `mosquitto`")
    passwords = tmp_path / "campusgate.passwords"
    passwords.write_text("controller-north:one\nedge-south:two\nserver:three\n")
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
    shutil.copy(ROOT / "deploy" / "mosquitto" / "campusgate.acl", tmp_path)
    shipped = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    ours = shipped.replace("listener 8883", f"listener {unused_port} 127.0.0.1")
    ours = ours.replace("/etc/mosquitto/campusgate", f"{tmp_path}/campusgate").replace(
        "/var/lib/mosquitto/", f"{tmp_path}/"
    )
    # TLS has tests of its own; here it would only need certificates.
    ours = "\n".join(line for line in ours.splitlines() if not line.startswith(("certfile", "keyfile", "tls_version")))
    (tmp_path / "mosquitto.conf").write_text(ours + ("\nuser root\n" if os.geteuid() == 0 else "\n"))
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([binary, "-c", str(tmp_path / "mosquitto.conf")], stdout=output, stderr=output)
    users = {"controller-north": "one", "edge-south": "two", "server": "three"}
    controller, edge, server = (
        Connection(BrokerAddress(port=unused_port, username=name, password=password), name)
        for name, password in users.items()
    )
    heard: queue.Queue[bytes] = queue.Queue()
    try:
        for connection in (controller, edge, server):
            connection.start()
            connection.wait_connected(PATIENCE_S)
        assert process.poll() is None, log.read_text()
        controller.subscribe("campusgate/main/gates/north/command", lambda _topic, payload, _: heard.put(payload))
        edge.publish("campusgate/main/gates/north/command", b"from the edge of another gate", wait_s=PATIENCE_S)
        server.publish("campusgate/main/gates/north/command", b"from the server", wait_s=PATIENCE_S)
        assert heard.get(timeout=PATIENCE_S) == b"from the server"
    finally:
        for connection in (controller, edge, server):
            connection.stop()
        process.terminate()
        process.wait(PATIENCE_S)


def test_key_files_are_private(tmp_path: Path) -> None:
    from gate_controller.messages import KeyFileError, make_private_key, public_key_text, read_private_key

    path = tmp_path / "key.pem"
    key = make_private_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key_text(read_private_key(path)) == public_key_text(key)
    with pytest.raises(KeyFileError, match="never overwritten"):
        make_private_key(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_private_key(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "not JSON"), ("[]", "not a JSON object"), ('{"edge": "short"}', "edge"), ('{"edge": {"key": 5}}', "edge"),
     ('{"edge": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "actions": ["fly"]}}', "fly")],
)  # fmt: skip
def test_files_of_trusted_keys_complain_clearly(tmp_path: Path, text: str, complaint: str) -> None:
    from gate_controller.messages import KeyFileError, read_trusted_keys

    path = tmp_path / "trusted.json"
    path.write_text(text)
    with pytest.raises(KeyFileError, match=complaint):
        read_trusted_keys(path)
