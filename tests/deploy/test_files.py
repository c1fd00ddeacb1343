"""What `deploy/` holds agrees with the software: settings exist, secrets are left open, commands are known."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from typer.main import get_command

from campusgate.cli import app
from campusgate.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def example() -> dict[str, str]:
    lines = (DEPLOY / "server.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def is_setting(variable: str) -> bool:
    name, _, nested = variable.removeprefix("CAMPUSGATE_").lower().partition("__")
    field = Settings.model_fields.get(name)
    return field is not None and (not nested or nested in getattr(field.annotation, "model_fields", {}))


def test_every_variable_is_a_setting(compose, example) -> None:
    variables = [*compose["services"]["server"]["environment"], *example]
    assert [variable for variable in variables if not is_setting(variable)] == []
    assert not is_setting("CAMPUSGATE_MQTT__NOTHING")


def test_no_secret_has_a_value(compose, example) -> None:
    secret = re.compile("KEY$|SECRET|PASSWORD|TOKEN")
    assert {name: value for name, value in example.items() if secret.search(name) and value} == {}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name):
                assert value.startswith("${"), name


def test_the_server_is_told_every_secret_it_requires(compose, example) -> None:
    given = {*compose["services"]["server"]["environment"], *example}
    assert {f"CAMPUSGATE_{name}" for name in ("TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY")} <= given


def test_only_the_broker_is_open_to_other_machines(compose) -> None:
    ports = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert ports == {"database": [], "broker": ["8883:8883"], "server": ["127.0.0.1:8080:8080"]}


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_there_is_and_may_do_little(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    program, command, *arguments = shlex.split(re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)[1])
    assert program.endswith("/campusgate")
    usage = CliRunner().invoke(get_command(app), [command, "--help"])
    assert usage.exit_code == 0, usage.output
    assert all(argument in usage.output for argument in arguments if argument.startswith("--"))
    for line in ("User=campusgate", "NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always"):
        assert line in text
