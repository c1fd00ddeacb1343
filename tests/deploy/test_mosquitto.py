"""The broker's configuration stands beside Debian's own file and in the container's."""

import re
from pathlib import Path

import pytest

from bus import BrokerAddress, Connection
from tests.certificates import make_authority
from tests.deploy.broker import DEBIANS_OWN, DEPLOY, mosquitto_as_shipped
from tests.waiting import PATIENCE_S

CONTAINERS = (DEPLOY / "mosquitto" / "container.conf").read_text(encoding="utf-8")


@pytest.mark.parametrize("main", [DEBIANS_OWN, CONTAINERS], ids=["debian", "container"])
def test_the_configuration_starts_beside_the_main_file(tmp_path: Path, unused_port: int, main: str) -> None:
    authority = make_authority(tmp_path / "authority", "campus")
    with mosquitto_as_shipped(tmp_path / "broker", unused_port, authority, {"server": "a password"}, main) as log:
        address = BrokerAddress(port=unused_port, username="server", password="a password", ca_file=authority.ca_file)
        connection = Connection(address, "server")
        connection.start()
        try:
            connection.wait_connected(PATIENCE_S)
        finally:
            connection.stop()
        # That its port was tried without TLS is the waiting's doing: OpenSSL may say so, in its own words.
        assert not re.findall(r"^\d+: (?:Error|Warning).*$", log.read_text(), re.MULTILINE)


def test_the_installed_main_file_is_the_one_that_was_tried() -> None:
    installed = Path("/etc/mosquitto/mosquitto.conf")
    if not installed.exists():
        pytest.skip("Mosquitto is not installed: Debian package `mosquitto`")
    lines = [line for line in installed.read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert lines == [line for line in DEBIANS_OWN.splitlines() if line]
