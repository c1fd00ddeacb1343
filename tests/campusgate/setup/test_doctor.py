"""`campusgate doctor`: what is well is called well, and each of these broken set-ups is found and told how to mend."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from campusgate.settings import Settings
from database import Database
from tests.campusgate.setup.installed import Installed, bare
from tests.campusgate.setup.test_gate import make_code, set_up_gate
from tests.certificates import make_authority
from tests.command_line import run
from tests.databases import begin
from tests.keys import key_text
from tests.ports import free_port
from tests.served import served


@dataclass(frozen=True)
class Machines:
    """The server, and a gate's computer with card reader, camera and simulated relay."""

    server: Installed
    gate: Path

    def file(self, name: str) -> Path:
        """An environment file: server, controller-lab, edge-lab."""
        return (self.server.etc if name == "server" else self.gate / "etc/campusgate") / f"{name}.env"


@pytest.fixture(scope="package")
def machines(server: Installed, tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, Path]) -> Machines:
    folder = tmp_path_factory.mktemp("lab")
    pictures = folder / "pictures"
    pictures.mkdir()
    shutil.copy(photographs["wang"], pictures)
    set_up_gate(server, folder, make_code(server, "lab"), "--camera", pictures)
    models = folder / "var/cache/campusgate"
    models.rmdir()
    models.symlink_to(Settings().cache_dir)
    return Machines(server, folder)


def examine(file: Path, *more: object) -> tuple[int, list[dict[str, str]]]:
    """Run it; its exit code and what it found."""
    done = run("--env-file", file, "doctor", "--json", *more, environment=bare())
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def with_changes(file: Path, folder: Path, changes: Mapping[str, object]) -> Path:
    """A copy of an environment file with other values."""
    copy = folder / file.name
    lines = file.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.partition("=")[0].removeprefix("CAMPUSGATE_") not in changes]
    copy.write_text("\n".join([*kept, *(f"CAMPUSGATE_{name}={value}" for name, value in changes.items()), ""]))
    copy.chmod(0o640)
    return copy


@pytest.mark.parametrize("name", ["server", "controller-lab", "edge-lab"])
def test_what_is_well_is_called_well(machines: Machines, name: str) -> None:
    code, found = examine(machines.file(name))
    assert [one for one in found if one["status"] == "fault"] == []
    assert code == 0
    links = {one["link"] for one in found}
    assert {"secrets", "keys", "trust", "folders", "disk", "clock", "broker"} <= links
    assert {"server": "database", "controller-lab": "relay", "edge-lab": "camera"}[name] in links


def test_a_gate_that_reads_cards_only_is_well(machines: Machines, tmp_path: Path) -> None:
    set_up_gate(machines.server, tmp_path, make_code(machines.server, "hall"), "--camera", "none")
    code, found = examine(tmp_path / "etc/campusgate/controller-hall.env")
    assert code == 0, found
    assert any("looks at no faces" in one["says"] for one in found)


def test_a_running_server_is_not_thrown_out(machines: Machines) -> None:
    _, found = examine(machines.file("server"))
    said = [one["says"] for one in found if one["link"] == "broker"]
    assert any("is connected" in one for one in said), said


def test_a_person_reads_a_line_for_each_link(machines: Machines) -> None:
    done = run("--env-file", machines.file("controller-lab"), "doctor", environment=bare())
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[-1] == "controller: all is well"
    assert any(line.startswith("warning  relay") for line in lines)


Broken = Callable[[Machines, Path], Mapping[str, object]]
"""Makes one thing wrong; returns the variables that lead there."""


def broker_is_off(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"MQTT__PORT": free_port()}


def broker_of_somebody_else(_machines: Machines, folder: Path) -> Mapping[str, object]:
    return {"MQTT__CA_FILE": make_authority(folder / "other", "other").ca_file}


def broker_password_is_wrong(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"MQTT__PASSWORD": key_text("another word")}


def signing_key_is_open(machines: Machines, folder: Path) -> Mapping[str, object]:
    copy = folder / "key.pem"
    shutil.copy(machines.gate / "etc/campusgate/controller-lab.pem", copy)
    copy.chmod(0o644)
    return {"SIGNING_KEY_FILE": copy}


def edge_is_not_trusted(machines: Machines, folder: Path) -> Mapping[str, object]:
    trusted = json.loads((machines.gate / "etc/campusgate/controller-lab-trusts.json").read_text())
    copy = folder / "trusts.json"
    copy.write_text(json.dumps({"staff": trusted["staff"]}))
    return {"TRUSTED_KEYS_FILE": copy}


def secrets_are_missing(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"TEMPLATE_KEY": "", "TOKEN_SECRET": "", "CREDENTIAL_KEY": ""}


def database_is_off(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"DATABASE_URL": f"postgresql://campusgate@127.0.0.1:{free_port()}/campusgate"}


def database_is_older(_machines: Machines, folder: Path) -> Mapping[str, object]:
    begin(folder)
    url = f"sqlite:///{folder / 'campusgate.db'}"
    database = Database(url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0030'")
    database.close()
    return {"DATABASE_URL": url}


def database_was_never_begun(_machines: Machines, folder: Path) -> Mapping[str, object]:
    return {"DATABASE_URL": f"sqlite:///{folder / 'none.db'}"}


def template_key_is_another(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"TEMPLATE_KEY": key_text("another template key")}


def models_are_missing(_machines: Machines, folder: Path) -> Mapping[str, object]:
    return {"CACHE_DIR": folder / "empty"}


def folder_is_not_ours(_machines: Machines, folder: Path) -> Mapping[str, object]:
    (folder / "file").touch()
    return {"DATA_DIR": folder / "file" / "server"}


def server_is_off(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"SERVER_URL": f"https://127.0.0.1:{free_port()}"}


def server_is_not_believed(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"SERVER_CA_FILE": ""}


def token_is_another(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"DEVICE_TOKEN": f"cgd_{'0' * 32}_{'A' * 43}"}


def credential_key_is_another(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"CREDENTIAL_KEY": key_text("another site")}


def camera_is_off(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"CAMERA": f"rtsp://user:pass@127.0.0.1:{free_port()}/1"}


def everybody_is_served_in_clear(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"SERVER_CERT_FILE": "", "SERVER_KEY_FILE": "", "SERVER_URL": "https://127.0.0.1:1"}


def proxy_is_not_believed(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"SERVER_CERT_FILE": "", "SERVER_KEY_FILE": "", "SERVER_HOST": "127.0.0.1", "TRUSTED_PROXIES": "[]"}


def a_setting_is_misspelt(_machines: Machines, _folder: Path) -> Mapping[str, object]:
    return {"MQTT__PASWORD": "x"}


@pytest.mark.parametrize(
    ("name", "broken", "expected"),
    [
        ("server", broker_is_off, ("broker", "does not answer .*; start it")),
        ("controller-lab", broker_of_somebody_else, ("broker", "certificate .* is not believed")),
        ("controller-lab", broker_password_is_wrong, ("broker", "does not let controller-lab in")),
        ("controller-lab", signing_key_is_open, ("keys", "can be read by others; run: chmod 600")),
        ("controller-lab", edge_is_not_trusted, ("trust", "does not name edge:lab")),
        ("server", secrets_are_missing, ("secrets", "TEMPLATE_KEY, .*TOKEN_SECRET and .*CREDENTIAL_KEY are not set")),
        ("server", database_is_off, ("database", "mend CAMPUSGATE_DATABASE_URL")),
        ("server", database_is_older, ("database", "has schema 0030, .* restart the server")),
        ("server", database_was_never_begun, ("database", "there is no database at")),
        ("server", template_key_is_another, ("database", "another key than this database was used with")),
        ("server", models_are_missing, ("models", "run: campusgate models install")),
        ("server", folder_is_not_ours, ("folders", "cannot be written by this account; run: chown")),
        ("controller-lab", server_is_off, ("server", "does not answer")),
        ("edge-lab", server_is_not_believed, ("server", "name the campus's authority in CAMPUSGATE_SERVER_CA_FILE")),
        ("controller-lab", token_is_another, ("server", "refuses this controller .*setup gate lab --again")),
        ("controller-lab", credential_key_is_another, ("keys", "another than the server's, so no card opens")),
        ("edge-lab", camera_is_off, ("camera", "mend CAMPUSGATE_CAMERA")),
        ("server", everybody_is_served_in_clear, ("proxy", "speaks plain HTTP to everybody")),
        ("server", proxy_is_not_believed, ("proxy", "CAMPUSGATE_TRUSTED_PROXIES")),
        ("server", a_setting_is_misspelt, ("settings", "did you mean CAMPUSGATE_MQTT__PASSWORD")),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_broken_set_up_is_found(
    machines: Machines, tmp_path: Path, name: str, broken: Broken, expected: tuple[str, str]
) -> None:
    link, says = expected
    file = with_changes(machines.file(name), tmp_path, broken(machines, tmp_path))
    code, found = examine(file)
    assert code == 1
    faults = [one["says"] for one in found if one["link"] == link and one["status"] == "fault"]
    assert any(re.search(says, one) for one in faults), found
    for word in ("user:pass", key_text("another word")):
        assert word not in json.dumps(found)


def test_an_edge_that_believes_no_server_is_told_so(machines: Machines, tmp_path: Path) -> None:
    """One that was set up before servers told gates how their zones stand: it works, and asks more."""
    trusted = json.loads((machines.gate / "etc/campusgate/edge-lab-trusts.json").read_text())
    del trusted["staff"]
    (tmp_path / "trusts.json").write_text(json.dumps(trusted))
    file = with_changes(machines.file("edge-lab"), tmp_path, {"TRUSTED_KEYS_FILE": tmp_path / "trusts.json"})
    _, found = examine(file)
    [warned] = [one["says"] for one in found if (one["link"], one["status"]) == ("trust", "warning")]
    assert "keys enrol" in warned


@pytest.mark.parametrize(
    ("table", "link", "says"),
    [
        ('[relay]\ndriver = "simulated"\n[reader]\ndriver = "serial"\ndevice = "/dev/ttyGONE"\n', "reader", "ttyGONE"),
        ('[relay]\ndriver = "gpio"\npin = 17\n', "relay", "17|pin|GPIO|gpio"),
        ('[relay]\ndriver = "simulatd"\n', "relay", "there is no driver 'simulatd'"),
    ],
)
def test_a_doors_missing_hardware_is_found(
    machines: Machines, tmp_path: Path, table: str, link: str, says: str
) -> None:
    door = tmp_path / "door.toml"
    door.write_text(table)
    code, found = examine(machines.file("controller-lab"), "--door", door)
    assert code == 1
    assert any(re.search(says, one["says"]) for one in found if (one["link"], one["status"]) == (link, "fault")), found


def test_a_clock_that_is_off_is_found(machines: Machines, tmp_path: Path) -> None:
    class LastHour(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", "Fri, 27 Nov 2020 10:00:00 GMT")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    with served(HTTPServer(("127.0.0.1", 0), LastHour)) as other:
        url = f"http://127.0.0.1:{other.server_port}"
        _, found = examine(with_changes(machines.file("controller-lab"), tmp_path, {"SERVER_URL": url}))
    faults = {one["link"]: one["says"] for one in found if one["status"] == "fault"}
    assert "follow one time server" in faults["clock"]
    assert "is no campusgate server" in faults["server"]


def test_settings_that_everybody_reads_are_found(machines: Machines, tmp_path: Path) -> None:
    file = with_changes(machines.file("controller-lab"), tmp_path, {})
    file.chmod(0o644)
    code, found = examine(file)
    assert code == 1
    assert any("run: chmod 0640" in one["says"] for one in found if one["status"] == "fault")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this account may not mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_found(machines: Machines, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        _, found = examine(with_changes(machines.file("controller-lab"), tmp_path, {"DATA_DIR": disk}))
    assert any("make room" in one["says"] for one in found if (one["link"], one["status"]) == ("disk", "fault"))


def test_nothing_that_is_examined_changes(machines: Machines) -> None:
    def state() -> Any:
        return sorted((str(one), one.stat().st_mode) for one in machines.gate.rglob("*"))

    before = state()
    for name in ("controller-lab", "edge-lab"):
        examine(machines.file(name))
    assert state() == before
    assert os.environ.get("CAMPUSGATE_TOKEN_SECRET") is None
