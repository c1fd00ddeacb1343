"""`campusgate doctor` at a kiosk's card dispenser: a real server and line; no card moves, nothing is started."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from campusgate.doctor import card_dispenser
from campusgate.doctor.examination import find_role
from campusgate.settings import Settings
from campusgate.settings.dispenser import DispenserSettings
from card_dispensing.crt571 import Crt571
from card_dispensing.registry import DispenserDriver
from tests.campusgate.setup.installed import Installed, bare
from tests.card_dispensing.crt571_peer import UIDS, Peer, running_peer
from tests.card_dispensing.kiosk_rig import SHORT
from tests.command_line import run
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until

_HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+b", buffering=0)
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="package")
def tokens(server: Installed) -> Mapping[str, str]:
    """What the server printed of a kiosk and of its dispenser."""
    kiosk = server.run("devices", "add", "kiosk-1", "kiosk", "--json")
    dispenser = server.run("devices", "add", "cards-1", "dispenser", "--kiosk", "kiosk-1", "--json")
    return {"kiosk": json.loads(kiosk)["token"], "dispenser": json.loads(dispenser)["token"]}


@pytest.fixture
def peer(imported_rooms: None) -> Iterator[Peer]:
    with running_peer() as peer:
        yield peer


@pytest.fixture
def file(server: Installed, tokens: Mapping[str, str], peer: Peer, tmp_path: Path) -> Path:
    """The dispenser's settings, as the page says they are made."""
    made = tmp_path / "dispenser.env"
    made.write_text(
        f"CAMPUSGATE_SERVER_URL={server.url}\nCAMPUSGATE_SERVER_CA_FILE={server.etc / 'ca.pem'}\n"
        f"CAMPUSGATE_DEVICE_TOKEN={tokens['dispenser']}\nCAMPUSGATE_DISPENSER__DEVICE={peer.path}\n"
    )
    made.chmod(0o640)
    return made


def change(file: Path, **values: object) -> None:
    kept = [line for line in file.read_text().splitlines() if line.partition("=")[0][11:] not in values]
    file.write_text("\n".join([*kept, *(f"CAMPUSGATE_{name}={value}" for name, value in values.items()), ""]))


def examine(file: Path) -> tuple[int, list[dict[str, str]]]:
    done = run("--env-file", file, "doctor", "--json", environment=bare())
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert document["role"] == "dispenser"
    return done.returncode, document["findings"]


def told(found: list[dict[str, str]], status: str, link: str = "dispenser") -> str:
    return "\n".join(one["says"] for one in found if (one["link"], one["status"]) == (link, status))


def test_what_is_well_is_called_well_and_nothing_is_started(file: Path, peer: Peer) -> None:
    code, found = examine(file)
    assert code == 0, found
    assert {one["link"] for one in found} == {"settings", "secrets", "clock", "server", "dispenser"}
    assert f"{peer.path} answers as a crt571" in told(found, "ok")
    assert "was not started since" in told(found, "skipped")
    assert "knows this card dispenser" in told(found, "ok", "server")
    assert not peer.machine.started
    assert peer.machine.moves == []


@pytest.mark.parametrize(
    ("inside", "status", "says"),
    [
        ({"cards": []}, "fault", "fill the stacker"),
        ({"cards": list(UIDS[:2])}, "warning", "few cards are left"),
        ({"bin_full": True}, "fault", "empty it"),
        ({"inside": UIDS[9], "at_gate": True}, "warning", "stands in the gate"),
        ({"inside": UIDS[9]}, "warning", "lies at the reader"),
    ],
    ids=["empty", "few", "bin", "gate", "reader"],
)
def test_what_the_machine_lacks_is_told_and_stays_where_it_is(
    file: Path, peer: Peer, inside: dict[str, object], status: str, says: str
) -> None:
    peer.set(started=True, **inside)
    code, found = examine(file)
    assert says in told(found, status), found
    assert code == (status == "fault")
    machine = peer.machine
    assert machine.moves == []
    assert (machine.inside, machine.at_gate) == (inside.get("inside"), bool(inside.get("at_gate")))


@pytest.mark.parametrize(
    ("changes", "link", "says"),
    [
        ({"DISPENSER__DEVICE": "/dev/ttyGONE"}, "dispenser", "/dev/ttyGONE is not there: plug the dispenser in"),
        ({"DISPENSER__DEVICE": "/dev/null"}, "dispenser", "is no serial port.*mend CAMPUSGATE_DISPENSER__DEVICE"),
        ({"DISPENSER__DRIVER": "k720"}, "dispenser", "no driver 'k720'.*there are crt571"),
        ({"DEVICE_TOKEN": ""}, "secrets", "CAMPUSGATE_DEVICE_TOKEN is not set"),
        ({"DEVICE_TOKEN": f"cgd_{'0' * 32}_{'A' * 43}"}, "server", r"\(not_a_device\); set CAMPUSGATE_DEVICE_TOKEN"),
        ({"SERVER_CA_FILE": ""}, "server", "name the campus's authority in CAMPUSGATE_SERVER_CA_FILE"),
        ({"SERVER_URL": "https://127.0.0.1:{port}"}, "server", "does not answer"),
    ],
    ids=["no device", "no port", "driver", "no token", "token", "authority", "server"],
)
def test_settings_that_lead_nowhere_are_found(file: Path, changes: dict[str, str], link: str, says: str) -> None:
    change(file, **{name: value.format(port=free_port()) for name, value in changes.items()})
    code, found = examine(file)
    assert code == 1
    assert re.search(says, told(found, "fault", link)), found


def test_the_kiosks_own_token_is_not_the_dispensers(file: Path, tokens: Mapping[str, str]) -> None:
    change(file, DEVICE_TOKEN=tokens["kiosk"])
    _, found = examine(file)
    assert "device_role_required" in told(found, "fault", "server")
    assert tokens["kiosk"] not in json.dumps(found)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"silent": True}, "nothing answers at .*switched on"),
        ({"flip": 1000}, "what answers at .* is no crt571"),
        ({"complain": "12"}, "answers with a fault .*error 12.*open it and look"),
    ],
    ids=["silent", "another", "faulty"],
)
def test_what_does_not_answer_as_a_dispenser_is_found(
    file: Path, peer: Peer, wrong: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wrong.get("silent"):
        hurried = DispenserDriver(lambda line, address: Crt571(line, address=address, timing=SHORT))
        monkeypatch.setattr(card_dispenser, "DISPENSERS", {"crt571": hurried})
    peer.set(**wrong)
    code, found = examine(file)
    assert code == 1
    assert re.search(says, told(found, "fault")), found


@contextmanager
def holding(device: Path) -> Iterator[int]:
    """Another program of ours at the port."""
    command = [sys.executable, "-c", _HOLD, str(device)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_a_port_that_another_process_has_is_found_and_which(file: Path, peer: Peer) -> None:
    with holding(peer.path) as process:
        code, found = examine(file)
    assert code == 1
    assert re.search(rf"is used by .*process {process} \(.*: end it", told(found, "fault")), found


def test_a_running_dispenser_is_left_alone(file: Path, peer: Peer) -> None:
    command = [sys.executable, "-m", "campusgate", "--env-file", str(file), "dispenser"]
    with subprocess.Popen(command, env=bare(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            # It imports everything first.
            until(lambda: peer.machine.started, "it never spoke to the dispenser", timeout_s=4 * PATIENCE_S)
            code, found = examine(file)
        finally:
            process.terminate()
    assert code == 0
    assert f"the running process {process.pid} has {peer.path}" in told(found, "skipped")


@contextmanager
def closed_to_this_account(device: Path) -> Iterator[None]:
    device.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_port_that_this_account_may_not_open_is_found(peer: Peer) -> None:
    settings = Settings(dispenser=DispenserSettings(device=peer.path))
    with closed_to_this_account(peer.path):
        (found,) = card_dispenser.check_dispenser(settings)
    assert re.search(r"may not open .*: add it to the group \w+", found.says)


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({}, 0, "a dispenser starts with these settings"),
        ({"DISPENSER__DRIVER": "k720"}, 1, "there is no driver 'k720'"),
        ({"DEVICE_TOKEN": ""}, 1, "CAMPUSGATE_DEVICE_TOKEN is not set"),
    ],
    ids=["well", "driver", "token"],
)
def test_settings_are_checked_without_asking_anybody(
    file: Path, peer: Peer, changes: dict[str, str], code: int, says: str
) -> None:
    change(file, **changes)
    done = run("--env-file", file, "config", "check", environment=bare())
    assert (done.returncode, says in done.stdout) == (code, True), done.stdout
    assert not peer.machine.started


def test_whose_settings_they_are_is_known_without_their_file() -> None:
    assert find_role(Settings(dispenser=DispenserSettings(device=Path("/dev/null"))), None) == "dispenser"
