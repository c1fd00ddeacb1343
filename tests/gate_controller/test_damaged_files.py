"""Whatever became of a gate's own files, the door opens for its exit button and for fire, answers cards, and tells."""

import os
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from access.passages import PassageLog
from access.replica import Replica
from bus import Outbox
from campusgate.processes.controller import run_controller
from campusgate.processes.edge import _open_files
from campusgate.processes.kept_files import KeptFiles
from campusgate.settings import MqttSettings, Settings
from database import Sealer
from gate_controller.boards.registry import RelayTable
from gate_controller.door_file import DoorFile
from gate_controller.door_file_tables import InputsTable
from gate_controller.memory import DoorMemory
from gate_controller.readers.registry import ReaderTable
from gate_controller.signals import BarrierMode
from messages import Event, GateTopics, NonceStore, make_private_key
from tests.keys import key_text
from tests.waiting import PATIENCE_S

CREDENTIAL_KEY, TEMPLATE_KEY = SecretStr(key_text("credentials")), SecretStr(key_text("templates"))
FILES = ("nonces.db", "outbox.db", "memory.db", "passes.db", "replica.db")
NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
EVENT = Event(id=uuid4(), gate="north", at=NOW, kind="passed", details={}).encode()


def _zeros(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def _random(file: Path) -> None:
    file.write_bytes(random.Random(7).randbytes(file.stat().st_size))


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 2 // 3)


def _emptied(file: Path) -> None:
    os.truncate(file, 0)


def _folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = random.Random(7).randbytes(len(content) - 4096)
    file.write_bytes(content)


def _other_tables(file: Path) -> None:
    import sqlite3

    file.unlink()
    with sqlite3.connect(file) as connection:
        for table in ("nonces", "entries", "counters", "wrong_pins", "remembered", "lost"):
            connection.execute(f"CREATE TABLE {table} (something TEXT)")
    connection.close()


DAMAGES = [_zeros, _random, _cut, _emptied, _folder_instead, _middle, _other_tables]


def fill(folder: Path) -> None:
    """Leave behind what a gate that worked for a while keeps."""
    folder.mkdir(parents=True)
    sealer = Sealer(bytes(range(32)))
    nonces, outbox, memory = (
        NonceStore(folder / "nonces.db"), Outbox(folder / "outbox.db"), DoorMemory(folder / "memory.db")
    )  # fmt: skip
    for number in range(200):
        nonces.accept(f"sender-{number}", number)
        outbox.put(uuid4(), "campusgate/main/gates/north/events", EVENT, NOW)
        memory.keep_wrong_pins(uuid4(), 1, NOW)
    memory.latest_time = NOW
    for store in (nonces, outbox, memory, PassageLog(folder / "passes.db", sealer, gate="north")):
        store.close()
    Replica(folder / "replica.db", sealer, gate="north", view="cards").close()
    for file in folder.glob("*-wal"):
        file.unlink()


@pytest.fixture
def settings(tmp_path: Path, unused_port: int) -> Settings:
    make_private_key(tmp_path / "key.pem")
    (tmp_path / "trusts.json").write_text("{}")
    return Settings(
        gate="north", data_dir=tmp_path, signing_key_file=tmp_path / "key.pem",
        trusted_keys_file=tmp_path / "trusts.json", credential_key=CREDENTIAL_KEY, template_key=TEMPLATE_KEY,
        device_token=SecretStr("cgd_x_y"), mqtt=MqttSettings(port=unused_port), server_url="http://127.0.0.1:9",
    )  # fmt: skip


@contextmanager
def door(settings: Settings) -> Iterator[Callable[[str], str]]:
    """A controller at work on a bench; say a line at its reader."""
    stop, port = threading.Event(), []
    umask = os.umask(0o022)
    up = threading.Event()

    def ready(number: int | None) -> None:
        port.append(number)
        up.set()

    file = DoorFile(
        relay=RelayTable(driver="simulated", record=settings.data_dir / "relay"),
        inputs=InputsTable(contact=1),
        reader=ReaderTable(port=0),
    )
    thread = threading.Thread(target=run_controller, args=(settings, file, stop, ready), daemon=True)
    thread.start()
    assert up.wait(PATIENCE_S), "the controller ended"

    def say(line: str) -> str:
        with socket.create_connection(("127.0.0.1", port[0]), timeout=PATIENCE_S) as connection:
            connection.sendall(f"{line}\n".encode())
            return connection.makefile().readline().strip()

    yield say
    stop.set()
    thread.join(PATIENCE_S)
    os.umask(umask)


def events(outbox: Path) -> list[Event]:
    box = Outbox(outbox)
    found = [Event.decode(entry.payload) for entry in box.pending(1000) if entry.payload[:1] == b"{"]
    box.close()
    return found


def relay(settings: Settings) -> list[str]:
    return [line.split()[0] for line in (settings.data_dir / "relay").read_text().splitlines()]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_door_works_on_after_every_file_was_damaged(settings, damage) -> None:
    folder = settings.data_dir / "controller" / "north"
    fill(folder)
    for name in FILES:
        damage(folder / name)
    with door(settings) as say:
        assert say("card 04A31B72") == "denied directory_missing"
        assert [say("exit on"), say("exit off")] == ["done"] * 2
        assert [say("fire on"), say("fire off")] == ["done"] * 2
    assert relay(settings).count("on") >= 1
    told = {event.details["file"]: event for event in events(folder / "outbox.db") if event.kind == "storage_fault"}
    assert {"nonces.db", "outbox.db", "memory.db"} <= set(told)
    assert all(event.reason == "set_aside" and event.details["lost"] for event in told.values())
    assert {file.name.split(".db")[0] for file in folder.glob("*.damaged-*")} >= {"nonces", "outbox", "memory"}


def test_a_folder_that_cannot_be_used_at_all_keeps_no_door_shut(settings) -> None:
    (settings.data_dir / "controller").write_text("a file where the folder should be")
    with door(settings) as say:
        assert say("card 04A31B72") == "denied directory_missing"
        assert [say("fire on"), say("fire off")] == ["done"] * 2
    assert "on" in relay(settings)


def test_a_whole_file_on_a_disk_that_cannot_be_written_is_carried_on(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "north"
    fill(folder)
    memory = DoorMemory(folder / "memory.db")
    memory.staff_mode = BarrierMode.LOCKDOWN
    memory.close()
    kept = KeptFiles(folder)

    def on_a_full_disk(path: Path) -> DoorMemory:
        if path.parent == folder:
            raise OSError(28, "No space left on device")
        return DoorMemory(path)

    opened = kept.open("memory.db", on_a_full_disk, lost="everything")
    assert opened.staff_mode is BarrierMode.LOCKDOWN, "the order to keep the door closed still holds"
    assert [(fault.reason, fault.lost) for fault in kept.faults] == [("kept_elsewhere", "")]
    assert (folder / "memory.db").exists()
    opened.close()


def test_files_that_are_well_are_left_alone(settings) -> None:
    folder = settings.data_dir / "controller" / "north"
    fill(folder)
    with door(settings) as say:
        assert say("card 04A31B72") == "denied directory_missing"
    assert not list(folder.glob("*.damaged-*"))
    assert "storage_fault" not in {event.kind for event in events(folder / "outbox.db")}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_an_edge_works_on_as_well(tmp_path: Path, damage) -> None:
    from contextlib import ExitStack

    folder = tmp_path / "edge"
    fill(folder)
    for name in ("nonces.db", "outbox.db", "passes.db", "replica.db"):
        damage(folder / name)
    kept = KeptFiles(folder)
    with ExitStack() as stack:
        files = _open_files(kept, Sealer(bytes(range(32))), "north", ("model",), stack)
        assert files.nonces.next("edge:north", 1_000) >= 1_000
        kept.report(files.outbox, GateTopics("main", "north"), "edge")
        found = [Event.decode(entry.payload) for entry in files.outbox.pending()]
    assert {"nonces.db", "outbox.db"} <= {event.details["file"] for event in found}
    assert {event.source for event in found} == {"edge"}


def test_a_disk_that_fills_later_stops_nothing_and_lets_nothing_be_replayed(tmp_path: Path) -> None:
    nonces, memory = NonceStore(tmp_path / "nonces.db"), DoorMemory(tmp_path / "memory.db")
    for store in (nonces, memory):
        store._connection.execute("PRAGMA query_only = ON")
    assert [nonces.accept("staff", number) for number in (5, 5, 4, 6)] == [True, False, False, True]
    first = nonces.next("staff", 1_000)
    assert nonces.next("staff", 1_000) > first
    assert [memory.spend_counter("card", number) for number in (5, 5, 4, 6)] == [True, False, False, True]
    person = uuid4()
    for number in (1, 2):
        with pytest.raises(Exception, match="not remembered"):
            memory.keep_wrong_pins(person, number, NOW)
    assert memory.wrong_pins(person) == (2, NOW), "nobody may guess on because the disk is full"


def test_after_lost_counters_a_copied_message_of_a_card_opens_nothing(tmp_path: Path) -> None:
    memory = DoorMemory(tmp_path / "memory.db")
    memory.counters_lost()
    assert [memory.spend_counter("card", number) for number in (7, 7, 8)] == [False, False, True]


def test_an_entry_that_cannot_be_read_holds_up_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    for _ in range(3):
        outbox.put(uuid4(), "topic", b"{}", NOW)
    outbox._connection.execute("UPDATE entries SET id = x'00', at = 'never' WHERE sequence = 2")
    assert [entry.sequence for entry in outbox.pending()] == [1, 3]
    assert len(outbox) == 2
    outbox.close()


def test_wrong_pins_from_a_time_in_the_future_are_brought_down_with_the_clock(tmp_path: Path) -> None:
    memory, person = DoorMemory(tmp_path / "memory.db"), uuid4()
    memory.keep_wrong_pins(person, 5, NOW + timedelta(days=400))
    memory.redate(NOW)
    assert memory.wrong_pins(person) == (5, NOW)
    memory.close()
    assert DoorMemory(tmp_path / "memory.db").wrong_pins(person) == (5, NOW)
