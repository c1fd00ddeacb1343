"""`campusgate setup server`: what it writes is what the server, Mosquitto and systemd take."""

import os
import pty
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from dotenv import dotenv_values

from campusgate.setup.environment import fill_example
from campusgate.setup.files import SetupError
from campusgate.setup.mosquitto import with_blocks, with_users
from campusgate.setup.places import Places
from messages.permissions import mosquitto_acl
from tests.campusgate.setup.installed import Installed, bare, set_up
from tests.command_line import run


def test_the_server_runs_with_what_was_written_and_speaks_tls_by_its_own_authority(server: Installed) -> None:
    assert httpx.get(f"{server.url}/health", verify=server.tls()).json() == {
        "status": "ok", "database": True, "broker": True, "orders": True, "contested": None, "storage": "ok",
    }  # fmt: skip
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{server.url}/health")


def test_a_second_set_up_replaces_nothing(server: Installed) -> None:
    before = (server.etc / "server.env").read_bytes()
    again = run("setup", "server", "--yes", "--under", server.under, "--name", "127.0.0.1", environment=bare())
    assert again.returncode == 2
    assert "was set up already" in again.stderr
    assert (server.etc / "server.env").read_bytes() == before


def test_nobody_else_reads_a_secret(tmp_path: Path) -> None:
    set_up(tmp_path)
    units = {"campusgate-server.service", "campusgate-backup.service", "campusgate-backup.timer"}
    public = {"ca.pem", "mosquitto.conf", "campusgate.conf", *units}
    files = [file for file in tmp_path.rglob("*") if file.is_file() and "/cache/" not in str(file)]
    open_to_all = {file.name for file in files if file.stat().st_mode & stat.S_IROTH}
    assert open_to_all == public
    assert {file.name for file in files} > public | {"ca.key", "server.key", "broker.key", "staff.pem", "server.env"}


def test_behind_a_proxy_the_server_listens_for_it_alone(tmp_path: Path) -> None:
    settings = set_up(tmp_path, "--behind-proxy").read_settings()
    assert settings["CAMPUSGATE_SERVER_HOST"] == "127.0.0.1"
    assert settings["CAMPUSGATE_SERVER_CERT_FILE"] == ""
    assert settings["CAMPUSGATE_TRUSTED_PROXIES"] == "'[\"127.0.0.1\"]'"


def test_the_unit_starts_this_program_with_these_files(tmp_path: Path) -> None:
    unit = (set_up(tmp_path).under / "etc/systemd/system/campusgate-server.service").read_text(encoding="utf-8")
    assert f"ExecStart={Path(sys.executable).parent / 'campusgate'} serve" in unit
    assert f"EnvironmentFile={tmp_path}/etc/campusgate/server.env" in unit


def test_at_a_terminal_it_asks_for_what_is_not_given(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "campusgate", "setup", "server", "--under", str(tmp_path), "--name", "localhost"]
    asked = subprocess.Popen(command, stdin=its, stdout=subprocess.PIPE, env=bare(), text=True)
    os.write(ours, b"west\n\npostgresql:///west\n")
    printed, _ = asked.communicate(timeout=60)
    os.close(ours)
    os.close(its)
    assert asked.returncode == 0
    assert "Short name of the campus [main]" in printed
    settings = Installed(tmp_path, 0, 0).read_settings()
    assert settings["CAMPUSGATE_SITE"] == "west"
    assert settings["CAMPUSGATE_TIME_ZONE"] == "Asia/Shanghai"
    assert settings["CAMPUSGATE_DATABASE_URL"] == "postgresql:///west"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--name", "https://gates.example", "without https://"),
        ("--site", "Main Campus", "small letters"),
        ("--time-zone", "China", "Asia/Shanghai"),
        ("--database", "mysql://here", "postgresql:///campusgate"),
        ("--database", "postgresql:///it's", "quotation mark"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, option: str, value: str, said: str) -> None:
    given = {"--name": "127.0.0.1", option: value}
    words = [word for pair in given.items() for word in pair]
    done = run("setup", "server", "--yes", "--under", tmp_path, *words, environment=bare())
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "etc/campusgate/server.env").exists()


@pytest.mark.parametrize("value", ["", "plain", "with # and ; and $HOME", 'rtsp://u:p"w@cam/1', '["10.0.0.1"]', "a b"])
def test_a_value_is_read_back_as_it_was(tmp_path: Path, value: str) -> None:
    file = tmp_path / "some.env"
    file.write_text(fill_example("# head\nA=1\n# of B\nB=\n", {"B": value}), encoding="utf-8")
    assert dotenv_values(file, interpolate=False) == {"A": "1", "B": value}
    assert "# of B" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", ["two\nlines", "it's", "back\\slash"])
def test_a_value_that_systemd_would_read_otherwise_is_refused(value: str) -> None:
    with pytest.raises(SetupError, match="B must hold no quotation mark"):
        fill_example("B=\n", {"B": value})


def test_a_new_gate_leaves_the_other_users_of_the_broker_as_they_are() -> None:
    by_hand = mosquitto_acl("main", []) + "\nuser display-hall\ntopic read campusgate/main/gates/hall/state\n"
    added = with_blocks(by_hand, mosquitto_acl("main", ["north"]))
    assert added.startswith(by_hand.strip())
    assert added.count("user server\n") == 1
    assert "user controller-north\n" in added
    assert with_blocks(added, mosquitto_acl("main", ["north"])) == added
    users = with_users("display-hall:$7$101$a$b\nedge-north:$7$101$c$d\n", {"edge-north": "new"})
    assert users.startswith("display-hall:$7$101$a$b\nedge-north:$7$101$")
    assert "$c$d" not in users


def test_certificates_are_renewed_for_the_names_they_had(tmp_path: Path) -> None:
    place = set_up(tmp_path, "--broker-name", "localhost")
    files = (place.etc / "server.crt", tmp_path / "etc/mosquitto/certs/broker.pem")
    before = [x509.load_pem_x509_certificate(file.read_bytes()) for file in files]
    done = run("setup", "certificates", "--under", tmp_path, environment=bare())
    assert done.returncode == 0, done.stderr
    after = [x509.load_pem_x509_certificate(file.read_bytes()) for file in files]
    authority = x509.load_pem_x509_certificate((place.etc / "ca.pem").read_bytes())
    for old, new in zip(before, after, strict=True):
        assert old.serial_number != new.serial_number
        assert old.subject == new.subject
        kind = x509.SubjectAlternativeName
        assert old.extensions.get_extension_for_class(kind) == new.extensions.get_extension_for_class(kind)
        new.verify_directly_issued_by(authority)


def test_a_machine_without_the_authority_renews_nothing(tmp_path: Path) -> None:
    done = run("setup", "certificates", "--under", tmp_path, environment=bare())
    assert done.returncode == 2
    assert "ca.pem cannot be read" in done.stderr


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("serve", ("TEMPLATE_KEY", "TOKEN_SECRET", "CREDENTIAL_KEY")),
        ("edge", ("GATE", "DEVICE_TOKEN", "SIGNING_KEY_FILE", "TRUSTED_KEYS_FILE", "TEMPLATE_KEY")),
        ("controller", ("GATE", "DEVICE_TOKEN", "SIGNING_KEY_FILE", "TRUSTED_KEYS_FILE", "CREDENTIAL_KEY")),
    ],
)
def test_all_that_is_missing_is_named_at_once(tmp_path: Path, command: str, names: tuple[str, ...]) -> None:
    camera = (str(tmp_path),) if command == "edge" else ()
    done = run(command, *camera, environment={**bare(), "CAMPUSGATE_DATA_DIR": str(tmp_path)})
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert [name for name in names if f"CAMPUSGATE_{name}" not in done.stderr] == []
    assert "campusgate devices add" in done.stderr or command == "serve"


def test_paths_of_shipped_files_move_whole() -> None:
    places = Places(Path("/trial/etc"))
    assert places.moved("certfile /etc/mosquitto/certs/broker.pem") == (
        "certfile /trial/etc/etc/mosquitto/certs/broker.pem"
    )
    assert places.moved("A=/var/lib/campusgate/x B=https://host/etc/x") == (
        "A=/trial/etc/var/lib/campusgate/x B=https://host/etc/x"
    )
    assert Places().moved("x=/etc/campusgate") == "x=/etc/campusgate"


def test_the_authority_signs_for_the_names_it_was_asked_for_and_no_others(server: Installed) -> None:
    context = ssl.create_default_context(cafile=server.etc / "ca.pem")
    with pytest.raises(httpx.ConnectError, match="not valid for"):
        httpx.get(f"https://127.0.0.2:{server.port}/health", verify=context)
