"""Ids at the broker: nobody guesses one, a device keeps its own, and a client that is thrown out says so."""

import stat
from pathlib import Path

import pytest

from bus import BrokerAddress, kept_client_id, random_client_id
from bus.client_id import without_random_part
from bus.session import Session
from bus.steadiness import Steadiness
from tests.waiting import until


def test_no_two_processes_have_one_id() -> None:
    ids = {random_client_id("main-server-orders") for _ in range(100)}
    assert len(ids) == 100
    assert {without_random_part(one) for one in ids} == {"main-server-orders"}


def test_a_device_comes_back_under_its_own_id(tmp_path: Path) -> None:
    file = tmp_path / "controller" / "client-id"
    first = kept_client_id("controller-main-north", file)
    assert kept_client_id("controller-main-north", file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept_client_id("controller-main-north", tmp_path / "another") != first


@pytest.mark.parametrize("content", [b"", b"\x00" * 16, b"\xff\xfe", b"main-server-orders", b"0123456789ABCDEF"])
def test_a_damaged_file_gives_a_new_id(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "client-id"
    file.write_bytes(content)
    made = kept_client_id("edge", file)
    assert made.startswith("edge-")
    assert made.encode() != b"edge-" + content
    assert kept_client_id("edge", file) == made


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, where a folder should be")
    assert kept_client_id("edge", tmp_path / "taken" / "client-id").startswith("edge-")


@pytest.mark.parametrize(
    ("losses", "now", "thrown_out"),
    [([], 0, False), ([0, 1], 1, False), ([0, 1, 2], 2, True), ([0, 1, 2], 61, False), ([0, 50, 100], 100, False),
     ([0, 100, 101, 102], 102, True)],
)  # fmt: skip
def test_three_losses_within_a_minute_are_no_chance(losses: list[float], now: float, thrown_out: bool) -> None:
    steadiness = Steadiness()
    for at in losses:
        steadiness.lost(at)
    assert steadiness.is_thrown_out(now) is thrown_out


def test_a_connection_that_another_client_takes_over_again_and_again_says_so(broker, connect) -> None:
    """Mosquitto ends the old connection. (The embedded broker has tests of its own about it.)"""
    if type(broker).__name__ != "MosquittoBackend":
        pytest.skip("only Mosquitto ends a connection that was taken over")
    ours = connect(broker, "main-server-orders")
    assert not ours.thrown_out
    for times in range(1, 4):
        thief = Session(BrokerAddress(port=broker.port), "main-server-orders", None, lambda *_: None)
        thief.open()
        until(lambda: ours.connections == times + 1 and ours.connected)  # noqa: B023 -- called within the round
        thief.close()
    assert ours.thrown_out


def test_a_stop_of_our_own_is_no_loss(broker, connect) -> None:
    ours = connect(broker, "gate")
    for _ in range(4):
        ours.stop()
        ours.start()
        ours.wait_connected(10)
    assert not ours.thrown_out
