"""`campusgate config`: what is in force, whether it holds, all there is; completion of the command line."""

import json
from pathlib import Path

import pytest

from campusgate.processes.server import run as server_run
from tests.command_line import run
from tests.keys import key_text

SECRET = "a-word-between-machines-2"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "CAMPUSGATE_SITE": "west",
    "CAMPUSGATE_MQTT__PASSWORD": SECRET,
    "CAMPUSGATE_DATABASE_URL": "postgresql://campusgate:word@db/campusgate",
    **{f"CAMPUSGATE_{name}": key_text(name) for name in ("TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY")},
}


@pytest.mark.parametrize("form", [(), ("--json",), ("--all",), ("--all", "--json")])
def test_what_is_in_force_is_shown_and_no_secret_ever(form: tuple[str, ...]) -> None:
    done = run("config", "show", *form, environment=ENVIRONMENT)
    assert done.returncode == 0
    assert "CAMPUSGATE_SITE" in done.stdout
    assert "west" in done.stdout
    assert ("CAMPUSGATE_SERVER_PORT" in done.stdout) is ("--all" in form)
    for word in (SECRET, ":word@", *(key_text(name) for name in ("TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY"))):
        assert word not in done.stdout


def test_settings_that_hold_are_said_to_and_nothing_is_connected() -> None:
    done = run("config", "check", environment=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (0, "a server starts with these settings\n")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"CAMPUSGATE_TOKEN_SECRET": "", "CAMPUSGATE_TEMPLATE_KEY": ""}, "TEMPLATE_KEY and CAMPUSGATE_TOKEN_SECRET"),
        ({"CAMPUSGATE_SITES": "x"}, "did you mean CAMPUSGATE_SITE?"),
        ({"CAMPUSGATE_SERVER_PORT": "many"}, "CAMPUSGATE_SERVER_PORT"),
        ({"CAMPUSGATE_TOKEN_SECRET": "c2hvcnQ="}, "CAMPUSGATE_TOKEN_SECRET holds 5 bytes"),
        ({"CAMPUSGATE_SIGNING_KEY_FILE": "/nowhere/key.pem"}, "/nowhere/key.pem cannot be read"),
        ({"CAMPUSGATE_SERVER_CERT_FILE": "/some/file"}, "go together"),
    ],
)
def test_what_would_keep_a_process_from_starting_is_said(changes: dict[str, str], says: str) -> None:
    done = run("config", "check", environment={**ENVIRONMENT, **changes})
    assert done.returncode == 1
    assert says in done.stdout
    document = json.loads(run("config", "check", "--json", environment={**ENVIRONMENT, **changes}).stdout)
    assert document["well"] is False


def test_every_variable_is_listed_with_its_meaning() -> None:
    listed = json.loads(run("config", "variables", "--json", environment={}).stdout)
    page = (Path(__file__).parents[3] / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert len(listed) > 100
    assert all(one["meaning"] for one in listed)
    assert all(one["default"] is None for one in listed if one["is_secret"])
    found = {one["name"]: one for one in listed}
    assert found["CAMPUSGATE_SERVER_PORT"]["default"] == "8080"
    assert found["CAMPUSGATE_MQTT__PASSWORD"]["is_secret"]
    assert "`CAMPUSGATE_SERVER_PORT`" in page
    some = run("config", "variables", "broker", environment={}).stdout
    assert "CAMPUSGATE_MQTT__HOST  (text, 127.0.0.1 by default)" in some
    assert "CAMPUSGATE_SUPPLY" not in some


def test_serve_listens_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []

    def remember(settings, _stop) -> None:
        seen.append((settings.server_host, settings.server_port))

    monkeypatch.setattr(server_run, "run_server", remember)
    assert run("serve", "--host", "::1", "--port", "9000", environment=ENVIRONMENT).returncode == 0
    assert run("serve", environment=ENVIRONMENT).returncode == 0
    assert seen == [("::1", 9000), ("127.0.0.1", 8080)]


def test_a_shell_completes_commands() -> None:
    asked = {"_CAMPUSGATE_COMPLETE": "complete_bash", "COMP_WORDS": "campusgate setup ga", "COMP_CWORD": "2"}
    assert run(environment={**ENVIRONMENT, **asked}).stdout.split() == ["gate"]
