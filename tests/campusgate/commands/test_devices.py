"""`campusgate devices` names only gates and merchants that exist."""

import json

import pytest

from campusgate.settings import Settings
from database import new_id
from tests.command_line import run
from tests.databases import begin


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    begin(tmp_path)
    environment = {"CAMPUSGATE_DATA_DIR": str(tmp_path)}
    assert run("gates", "add", "north", environment=environment).returncode == 0
    return environment


def test_a_device_at_a_gate_that_does_not_exist_is_refused(environment) -> None:
    refused = run("devices", "add", "eye", "edge", "--gate", "nroth", environment=environment)
    assert refused.returncode == 2
    assert "there is no gate 'nroth'" in refused.stderr
    assert run("devices", "list", environment=environment).stdout == ""


def test_a_terminal_of_a_merchant_that_does_not_exist_is_refused(environment) -> None:
    refused = run("devices", "add", "till", "terminal", "--merchant", new_id(), environment=environment)
    assert refused.returncode == 2
    assert "there is no merchant" in refused.stderr


def test_a_device_at_a_gate_that_exists_gets_its_token(environment) -> None:
    made = run("devices", "add", "eye", "edge", "--gate", "north", "--json", environment=environment)
    assert json.loads(made.stdout)["gate"] == "north"
    assert json.loads(made.stdout)["token"].startswith("cgd_")


def test_settings_come_from_the_file_that_the_unit_reads(tmp_path, environment) -> None:
    file = tmp_path / "server.env"
    file.write_text(f"# a comment\nCAMPUSGATE_DATA_DIR={tmp_path}\nCAMPUSGATE_SITE='main'\n")
    listed = run("--env-file", file, "gates", "list", environment={})
    assert listed.returncode == 0
    assert "north" in listed.stdout


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "is not a file"), (b"CAMPUSGATE_SITE\n", "without '='"), (b"\xff\xfe", "no UTF-8 text")],
)
def test_a_file_of_settings_that_cannot_be_used_is_one_line(tmp_path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "server.env"
    if content is not None:
        file.write_bytes(content)
    result = run("--env-file", file, "models", "list", environment={})
    assert result.returncode == 2
    assert complaint in result.stderr


def test_an_empty_variable_is_not_set(monkeypatch) -> None:
    """An empty path would be the folder that the process stands in."""
    monkeypatch.setenv("CAMPUSGATE_SIGNING_KEY_FILE", "")
    monkeypatch.setenv("CAMPUSGATE_METRICS_TOKEN", "")
    monkeypatch.setenv("CAMPUSGATE_MQTT__CA_FILE", "")
    settings = Settings()
    assert (settings.signing_key_file, settings.metrics_token, settings.mqtt.ca_file) == (None, None, None)


def test_a_card_dispenser_stands_in_a_kiosk_by_its_name(environment) -> None:
    assert run("devices", "add", "kiosk-1", "kiosk", environment=environment).returncode == 0
    refused = run("devices", "add", "cards", "dispenser", "--kiosk", "kiosk-2", environment=environment)
    assert (refused.returncode, "no device named kiosk-2" in refused.stderr) == (2, True)
    made = run("devices", "add", "cards", "dispenser", "--kiosk", "kiosk-1", "--json", environment=environment)
    assert json.loads(made.stdout)["kiosk_id"]
