"""What `deploy/` holds agrees with the software: settings exist, secrets are left open, commands are known."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from typer.main import get_command

from campusgate.cli import app
from campusgate.processes.watchdog import Watchdog
from campusgate.settings import Settings
from campusgate.setup.certificates import issue_certificate, make_authority

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def read_example(name: str) -> dict[str, str]:
    lines = (DEPLOY / f"{name}.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture
def example() -> dict[str, str]:
    return read_example("server")


def is_setting(variable: str) -> bool:
    name, _, nested = variable.removeprefix("CAMPUSGATE_").lower().partition("__")
    field = Settings.model_fields.get(name)
    return field is not None and (not nested or nested in getattr(field.annotation, "model_fields", {}))


def test_every_variable_is_a_setting(compose, example) -> None:
    variables = [*compose["services"]["server"]["environment"], *example]
    assert [variable for variable in variables if not is_setting(variable)] == []
    others = ("controller", "dispenser", "display", "edge", "library", "meters", "shower", "staff")
    at_the_gate = {name for process in others for name in read_example(process)}
    at_the_gate |= {*compose["services"]["meters"]["environment"], *compose["services"]["display"]["environment"]}
    # The camera is read by the edge's command: its address may hold a password.
    assert [variable for variable in at_the_gate - {"CAMPUSGATE_CAMERA"} if not is_setting(variable)] == []
    assert not is_setting("CAMPUSGATE_MQTT__NOTHING")


def test_no_secret_has_a_value(compose, example) -> None:
    secret = re.compile("KEY$|SECRET|PASSWORD|TOKEN")
    examples = [*example.items(), *read_example("controller").items(), *read_example("edge").items()]
    examples += read_example("staff").items()
    assert {name: value for name, value in examples if secret.search(name) and value} == {}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name):
                assert value.startswith("${"), name


def test_the_server_is_told_every_secret_it_requires(compose, example) -> None:
    given = {*compose["services"]["server"]["environment"], *example}
    assert {f"CAMPUSGATE_{name}" for name in ("TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY")} <= given


def test_only_the_broker_is_open_to_other_machines(compose) -> None:
    ports = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert ports == {
        "database": [],
        "broker": ["8883:8883"],
        "server": ["127.0.0.1:8080:8080"],
        "meters": [],
        "display": ["127.0.0.1:8090:8090"],
    }


def test_every_service_of_our_image_runs_a_command_there_is(compose) -> None:
    services = {name: one for name, one in compose["services"].items() if one["image"] == "campusgate"}
    assert set(services) == {"server", "meters", "display"}
    for name, service in services.items():
        command, *arguments = service["command"]
        usage = CliRunner().invoke(get_command(app), [command, "--help"])
        assert usage.exit_code == 0, name
        assert all(argument in usage.output for argument in arguments if argument.startswith("--")), name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda unit: unit.stem)
def test_a_unit_starts_a_command_there_is_and_may_do_little(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    for started in re.findall(r"^ExecStart=\+?(.+)$", text, re.MULTILINE):
        program, *words = shlex.split(started)
        assert program.endswith("/campusgate")
        words, options = ([one for one in words if one.startswith("--") is is_option] for is_option in (False, True))
        usage = CliRunner().invoke(get_command(app), [*words[: 2 if words[0] == "setup" else 1], "--help"])
        assert usage.exit_code == 0, usage.output
        assert all(option in usage.output for option in options)
    goes_on = ("Restart=always", "Type=notify", "WatchdogSec=30", "LimitCORE=0")
    more = ("Type=oneshot",) if unit.stem == "campusgate-backup" else goes_on
    for line in ("User=campusgate", "NoNewPrivileges=yes", "ProtectSystem=strict", "MemoryMax=", *more):
        assert line in text


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("systemd/*.service")), ids=lambda unit: unit.stem)
def test_systemd_knows_every_line_of_a_unit_and_calls_it_well_protected(unit: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed: Debian package `systemd`")
    judged = subprocess.run(
        # In tenths: an exposure of 4.0.
        [program, "security", "--offline=true", "--no-pager", "--threshold=40", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-300:]
    verified = subprocess.run([program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    # It also reads the units that this one comes after; and the program itself is not installed here.
    said = [line for line in verified.stderr.splitlines() if unit.name in line]
    assert [line for line in said if "/opt/campusgate/bin/campusgate" not in line] == []


def test_nginx_understands_the_file_and_hands_on_what_the_server_asks_for(tmp_path: Path) -> None:
    shipped = (DEPLOY / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    assert "X-Forwarded-For $proxy_add_x_forwarded_for" in shipped
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed: Debian package `nginx`")
    made = issue_certificate(make_authority("test"), ["127.0.0.1"])
    (tmp_path / "campus.crt").write_bytes(made.certificate)
    (tmp_path / "campus.key").write_bytes(made.key)
    (tmp_path / "site.conf").write_text(shipped.replace("/etc/nginx/campus", f"{tmp_path}/campus"), encoding="utf-8")
    main = f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ include {tmp_path}/site.conf; }}\n"
    (tmp_path / "nginx.conf").write_text(main, encoding="utf-8")
    command = [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stderr


def test_a_unit_whose_process_opens_devices_keeps_them() -> None:
    """`ProtectClock` and any `DeviceAllow` close all other devices."""
    for unit in DEPLOY.glob("systemd/*.service"):
        text = unit.read_text(encoding="utf-8")
        opens_devices = not any(name in unit.stem for name in ("server", "display", "backup", "library"))
        closed = re.search(r"^(ProtectClock|PrivateDevices)=yes|^DeviceAllow=", text, re.MULTILINE) is not None
        assert closed is not opens_devices, unit.stem


def test_the_image_runs_as_a_fixed_number_and_says_whether_it_is_well(compose) -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER (\d+):(\d+)$", lines, re.MULTILINE)
    assert not any("healthcheck" in one for one in compose["services"].values() if one["image"] == "campusgate")


def test_the_images_health_check_is_what_systemd_is_told(tmp_path: Path) -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^ENV CAMPUSGATE_HEARTBEAT_FILE=/dev/shm/", lines, re.MULTILINE)
    _, *check = json.loads(re.search(r"HEALTHCHECK .*?CMD (\[.+?\])\n", lines, re.DOTALL).group(1))  # type: ignore[union-attr]
    file = tmp_path / "heartbeat"

    def is_well() -> bool:
        told = os.environ | {"CAMPUSGATE_HEARTBEAT_FILE": str(file)}
        return subprocess.run([sys.executable, *check], env=told, capture_output=True, check=False).returncode == 0

    assert not is_well(), "before it is ready"
    with Watchdog(file, environment={}):
        assert is_well()
    os.utime(file, (time.time() - 31,) * 2)
    assert not is_well()


@pytest.mark.parametrize("process", ["server", "controller", "edge", "meters", "shower"])
def test_unit_and_example_keep_their_files_in_the_same_place(process: str) -> None:
    """Otherwise models are installed, and people added, where the unit does not look."""
    unit = next(DEPLOY.glob(f"systemd/campusgate-{process}*.service")).read_text(encoding="utf-8")
    told = dict(re.findall(r"(CAMPUSGATE_\w+)=(\S+)", unit.replace("%i", "north")))
    assert told
    assert {name: read_example(process)[name] for name in told} == told
    kept = re.findall(r"^StateDirectory=(.+)$", unit.replace("%i", "north"), re.MULTILINE)
    folders = {folder for line in kept for folder in line.split()}
    named = {value.removeprefix("/var/lib/") for value in read_example(process).values() if "/var/lib/" in value}
    within = {one for one in named if any(one.startswith(f"{folder}/") for folder in folders)}
    assert named - within == folders, "the rest of the disk is read-only to it"


def test_the_account_of_the_units_may_open_pins_serial_lines_readers_and_cameras(tmp_path: Path) -> None:
    program = shutil.which("systemd-sysusers")
    if program is None:
        pytest.skip("systemd is not installed: Debian package `systemd`")
    (tmp_path / "etc").mkdir()
    made = subprocess.run(
        [program, f"--root={tmp_path}", str(DEPLOY / "systemd" / "sysusers.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    rows = [line.split(":") for line in (tmp_path / "etc" / "group").read_text().splitlines()]
    groups = {name for name, _, _, members in rows if "campusgate" in members.split(",")}
    assert groups == {"gpio", "dialout", "input", "video"}
    for unit in DEPLOY.glob("systemd/campusgate-[ce]*.service"):
        assert "PrivateDevices=yes" not in unit.read_text(encoding="utf-8")


def test_the_pins_driver_writes_where_the_unit_may_write() -> None:
    unit = (DEPLOY / "systemd" / "campusgate-controller@.service").read_text(encoding="utf-8")
    assert "WorkingDirectory=/var/lib/campusgate/controller-%i" in unit
    gate, runtime = (ROOT / "constraints" / f"{name}.txt" for name in ("gate", "runtime"))
    assert re.search(r"^lgpio==", gate.read_text(encoding="utf-8"), re.MULTILINE)
    assert not re.search(r"^lgpio==", runtime.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_image_is_built_from_named_files_and_never_from_keys() -> None:
    """Everything is left out but what is named: a new kind of secret needs no new line."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    taken = {line.removeprefix("!") for line in lines if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {room.removesuffix("*") for room in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert taken == {*rooms, "pyproject.toml", "README.md", "LICENSE", "constraints/runtime.txt"}
    assert all((ROOT / name).exists() for name in taken)
    assert {"**/*.pem", "**/*.key", "**/*.env", "**/*.db"} <= set(lines)
