"""`campusgate setup process`, `setup shower`: readers of meters, gateways of libraries, dispensers, showers."""

import json
import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dotenv import dotenv_values

from campusgate.setup.files import ROOT, Writer
from campusgate.setup.places import Places
from messages import public_key_text, read_private_key, read_trusted_keys
from tests.campusgate.setup.installed import Installed, bare
from tests.command_line import run


def set_up(folder: Path, *arguments: object, code: int = 0) -> str:
    done = run("setup", "process", *arguments, "--under", folder, environment=bare())
    assert done.returncode == code, done.stderr
    return done.stderr if code else done.stdout


@pytest.fixture
def machine(server: Installed, tmp_path: Path) -> Path:
    """Another machine, onto which the campus's authority was copied."""
    (tmp_path / "etc/campusgate").mkdir(parents=True)
    (tmp_path / "etc/campusgate/ca.pem").write_bytes((server.etc / "ca.pem").read_bytes())
    return tmp_path


@pytest.mark.parametrize("process", ["meters", "library", "dispenser"])
def test_a_process_gets_its_unit_and_settings_that_find_and_believe_the_server(
    server: Installed, machine: Path, process: str
) -> None:
    said = set_up(machine, process, "--server", server.url)
    assert "devices add" in said
    settings = dotenv_values(machine / f"etc/campusgate/{process}.env", interpolate=False)
    assert settings["CAMPUSGATE_SERVER_URL"] == server.url
    assert settings["CAMPUSGATE_SERVER_CA_FILE"] == str(machine / "etc/campusgate/ca.pem")
    unit = (machine / f"etc/systemd/system/campusgate-{process}.service").read_text()
    assert f"EnvironmentFile={machine}/etc/campusgate/{process}.env" in unit
    assert (f"{machine}/etc/campusgate/{process}.env doctor" in said) is (process == "dispenser")


def test_settings_that_somebody_filled_in_stay_as_they_are(server: Installed, machine: Path) -> None:
    set_up(machine, "meters", "--server", server.url)
    file = machine / "etc/campusgate/meters.env"
    file.write_text("# filled in\n")
    set_up(machine, "meters", "--server", server.url)
    assert file.read_text() == "# filled in\n"


def test_a_server_that_is_not_believed_is_said_before_anything_is_written(server: Installed, tmp_path: Path) -> None:
    said = set_up(tmp_path, "meters", "--server", server.url, code=2)
    assert "is believed neither" in said
    assert "/etc/campusgate/ca.pem" in said
    assert not list(tmp_path.rglob("*.env"))


@pytest.mark.parametrize(
    ("words", "said"), [(("shower",), "a name"), (("meters", "north"), "no name"), (("shower", "B 3"), "small letters")]
)
def test_a_shower_has_a_name_and_nothing_else_has(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    assert said in set_up(tmp_path, *words, code=2)


def test_a_shower_is_let_in_with_the_key_that_its_machine_made(server: Installed, machine: Path) -> None:
    made = json.loads(set_up(machine, "shower", "b3-12", "--json"))
    etc = machine / "etc/campusgate"
    assert made["public_key"] == public_key_text(read_private_key(etc / "shower-b3-12.pem"))
    device = json.loads(server.run("devices", "add", "shower-b3-12", "meter", "--json"))["id"]
    told = json.loads(server.run("setup", "shower", device, made["public_key"], "--under", server.under, "--json"))
    assert set(told["variables"]) <= set(dotenv_values(etc / "shower-b3-12.env", interpolate=False))
    assert told["variables"]["CAMPUSGATE_MQTT__USERNAME"] == f"shower-{device}"
    trusted = read_trusted_keys(server.under / "var/lib/campusgate/server/trusts.json")
    assert public_key_text(trusted[f"shower:{device}"].key) == made["public_key"]
    assert told["server_key"] == public_key_text(read_private_key(server.etc / "staff.pem"))
    rights = (server.under / "etc/mosquitto/campusgate.acl").read_text()
    assert f"user shower-{device}\ntopic write campusgate/main/showers/{device}/reports\n" in rights
    users = (server.under / "etc/mosquitto/campusgate.passwords").read_text()
    assert f"\nshower-{device}:$7$" in users
    assert "\nserver-orders:" in users


def test_a_shower_that_was_not_added_is_not_let_in(server: Installed) -> None:
    key = public_key_text(Ed25519PrivateKey.generate())
    before = (server.under / "etc/mosquitto/campusgate.acl").read_text()
    server.run("setup", "shower", uuid4(), key, "--under", server.under, code=2)
    assert (server.under / "etc/mosquitto/campusgate.acl").read_text() == before


def test_whoever_has_the_folder_of_a_written_file_gets_no_other_file_by_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, fsync = tmp_path / "other", os.fsync
    other.touch(0o600)

    def put_link(descriptor: int) -> None:
        fsync(descriptor)
        [new] = tmp_path.glob(".file.*")
        new.unlink()
        new.symlink_to(other)

    monkeypatch.setattr(os, "fsync", put_link)
    Writer(Places(tmp_path), []).write("/file", "text", ROOT, 0o644)
    assert stat.S_IMODE(other.stat().st_mode) == 0o600
