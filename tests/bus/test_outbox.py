"""What must not be lost: over outages, restarts, kills, a full outbox and a full disk."""

import contextlib
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bus import Outbox, OutboxError, OutboxSender
from tests.waiting import PATIENCE_S

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def put(outbox: Outbox, text: str, *, entry_id: UUID | None = None, at: datetime = NOW, valuable: bool = True) -> UUID:
    entry_id = entry_id or uuid4()
    outbox.put(entry_id, "events", text.encode(), at, valuable=valuable)
    return entry_id


def texts(outbox: Outbox) -> list[str]:
    return [entry.payload.decode() for entry in outbox.pending()]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox.db")


def test_entries_come_out_in_the_order_they_went_in(outbox: Outbox) -> None:
    for text in "abc":
        put(outbox, text)
    assert texts(outbox) == ["a", "b", "c"]
    assert outbox.pending()[0].at == NOW


def test_the_same_id_waits_once(outbox: Outbox) -> None:
    one = put(outbox, "a")
    put(outbox, "a again", entry_id=one)
    assert (texts(outbox), len(outbox)) == (["a"], 1)


def test_what_was_acknowledged_is_forgotten(outbox: Outbox) -> None:
    for text in "abc":
        put(outbox, text)
    outbox.done([entry.id for entry in outbox.pending()[:2]])
    assert (texts(outbox), len(outbox)) == (["c"], 1)


def test_what_is_put_after_something_was_forgotten_waits_for_the_disk_again(outbox: Outbox) -> None:
    put(outbox, "a")
    outbox.done([entry.id for entry in outbox.pending()])
    other = sqlite3.connect(next(Path(path) for _, _, path in outbox._connection.execute("PRAGMA database_list")))
    other.execute("BEGIN IMMEDIATE")
    outbox._connection.execute("PRAGMA busy_timeout=0")
    outbox.done([uuid4()])
    other.close()
    full = 2
    assert outbox._connection.execute("PRAGMA synchronous").fetchone() == (full,)


def test_a_full_outbox_loses_the_oldest_of_low_value_first(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", limit=3)
    put(outbox, "granted 1")
    put(outbox, "refused 1", valuable=False)
    put(outbox, "refused 2", valuable=False)
    put(outbox, "granted 2")
    assert texts(outbox) == ["granted 1", "refused 2", "granted 2"]
    put(outbox, "granted 3")
    put(outbox, "granted 4")
    assert texts(outbox) == ["granted 2", "granted 3", "granted 4"]
    assert (outbox.lost, len(outbox)) == (3, 3)
    assert Outbox(tmp_path / "outbox.db").lost == 3


def test_entries_survive_kill_9(tmp_path: Path) -> None:
    script = """
import sys, uuid
from datetime import datetime, UTC
from pathlib import Path
from bus import Outbox
outbox = Outbox(Path(sys.argv[1]))
for number in range(10_000):
    outbox.put(uuid.uuid4(), "events", str(number).encode(), datetime.now(UTC))
    print(number, flush=True)
"""
    path = tmp_path / "outbox.db"
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as process:
        told = [int(next(process.stdout)) for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout]
    kept = [int(entry.payload) for entry in Outbox(path).pending(20_000)]
    assert kept[: len(told)] == told
    assert len(kept) <= len(told) + 1


def test_a_full_disk_keeps_entries_in_memory(outbox: Outbox) -> None:
    put(outbox, "a")
    pages = outbox._connection.execute("PRAGMA page_count").fetchone()[0]
    outbox._connection.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(40):
        put(outbox, f"{number}".ljust(400))
    assert outbox._memory, "the disk was not full: the test proves nothing"
    assert [text.strip() for text in texts(outbox)] == ["a", *map(str, range(40))]
    outbox._connection.execute("PRAGMA max_page_count = 100000")
    put(outbox, "after")
    assert texts(outbox)[-2:] == ["39".ljust(400), "after"]
    outbox.done([entry.id for entry in outbox.pending()])
    assert texts(outbox) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(OutboxError, match=r"outbox\.db"):
        Outbox(path)


def test_a_locked_file_does_not_stop_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    outbox._connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    put(outbox, "a")
    other.execute("ROLLBACK")
    other.close()
    put(outbox, "b")
    assert sorted(texts(outbox)) == ["a", "b"]


@pytest.fixture
def heard(broker, connect) -> "queue.Queue[bytes]":
    payloads: queue.Queue[bytes] = queue.Queue()
    connect(broker, "listener").subscribe("events", lambda _topic, payload, _retained: payloads.put(payload))
    return payloads


def test_the_sender_empties_the_outbox(broker, connect, heard, outbox: Outbox) -> None:
    sender = OutboxSender(
        outbox, connect(broker, "gate"), mark_late=lambda payload: b"late " + payload, now=lambda: NOW
    )
    put(outbox, "before")
    sender.start()
    put(outbox, "after")
    assert [heard.get(timeout=PATIENCE_S) for _ in range(2)] == [b"before", b"after"]
    sender.stop()
    assert len(outbox) == 0


def test_old_entries_are_marked_late(broker, connect, heard, outbox: Outbox) -> None:
    put(outbox, "old", at=NOW - timedelta(seconds=11))
    put(outbox, "new", at=NOW - timedelta(seconds=9))
    gate = connect(broker, "gate")
    assert OutboxSender(outbox, gate, mark_late=lambda payload: b"late " + payload, now=lambda: NOW).send_pending() == 2
    assert [heard.get(timeout=PATIENCE_S) for _ in range(2)] == [b"late old", b"new"]


def test_nothing_is_lost_while_the_broker_is_away(broker, connect, outbox: Outbox) -> None:
    gate, listener, heard = connect(broker, "gate"), connect(broker, "listener"), queue.Queue()
    listener.subscribe("events", lambda _topic, payload, _retained: heard.put(int(payload)))
    sender = OutboxSender(outbox, gate, mark_late=bytes, now=lambda: NOW)
    broker.stop()
    for number in range(250):
        put(outbox, str(number))
    assert (sender.send_pending(), len(outbox)) == (0, 250)
    broker.start()
    back = threading.Event()
    listener.on_connect(lambda: gate.on_connect(back.set))
    assert back.wait(PATIENCE_S)
    assert (sender.send_pending(), len(outbox)) == (250, 0)
    assert [heard.get(timeout=PATIENCE_S) for _ in range(250)] == list(range(250))


def test_the_sender_starts_again_by_itself_when_the_broker_is_back(broker, connect, outbox: Outbox) -> None:
    gate = connect(broker, "gate")
    sender = OutboxSender(outbox, gate, mark_late=bytes, now=lambda: NOW)
    sender.start()
    broker.stop()
    put(outbox, "a")
    broker.start()
    empty = threading.Event()
    for _ in range(500):
        if not len(outbox):
            break
        empty.wait(0.02)
    sender.stop()
    assert len(outbox) == 0


def test_with_receipts_an_entry_stays_until_its_addressee_has_it(broker, connect, heard, outbox: Outbox) -> None:
    sender = OutboxSender(
        outbox, connect(broker, "gate"), mark_late=bytes, now=lambda: NOW, needs_receipts=True, send_again_s=60
    )
    one, _ = put(outbox, "one"), put(outbox, "two")
    assert sender.send_pending() == 2
    assert [heard.get(timeout=PATIENCE_S) for _ in range(2)] == [b"one", b"two"]
    assert (len(outbox), sender.send_pending()) == (2, 0)
    sender.confirm([one, uuid4()])
    assert texts(outbox) == ["two"]
    put(outbox, "three")
    assert sender.send_pending() == 1
    assert heard.get(timeout=PATIENCE_S) == b"three"


def test_without_a_receipt_the_oldest_are_sent_again(broker, connect, heard, outbox: Outbox) -> None:
    sender = OutboxSender(
        outbox, connect(broker, "gate"), mark_late=bytes, now=lambda: NOW, needs_receipts=True, send_again_s=0.1
    )
    one = put(outbox, "one")
    sender.start()
    assert [heard.get(timeout=PATIENCE_S) for _ in range(3)] == [b"one"] * 3
    sender.confirm([one])
    sender.stop()
    assert len(outbox) == 0


def test_what_was_unconfirmed_before_a_restart_is_sent_again(broker, connect, heard, outbox: Outbox, tmp_path) -> None:
    gate = connect(broker, "gate")
    put(outbox, "one")
    for _ in range(2):
        again = Outbox(tmp_path / "outbox.db")
        assert OutboxSender(again, gate, mark_late=bytes, now=lambda: NOW, needs_receipts=True).send_pending() == 1
        assert heard.get(timeout=PATIENCE_S) == b"one"


def test_receipts_for_newer_entries_do_not_put_off_an_older_one(broker, connect, heard, outbox: Outbox) -> None:
    """A busy gate gets receipts all the time; the one event whose receipt was lost must not wait for a quiet hour."""
    sender = OutboxSender(
        outbox, connect(broker, "gate"), mark_late=bytes, now=lambda: NOW, needs_receipts=True, send_again_s=0.2
    )
    put(outbox, "unconfirmed")
    sender.start()
    times = 0
    for _ in range(200):
        sender.confirm([put(outbox, "confirmed")])
        with contextlib.suppress(queue.Empty):
            times += heard.get(timeout=0.05) == b"unconfirmed"
        if times == 2:
            break
    sender.stop(last_round=False)
    assert times == 2


def test_an_addressee_who_is_back_gets_what_waits_without_a_pause(broker, connect, heard, outbox: Outbox) -> None:
    """After an outage thousands of events wait: a hundred every fifteen seconds would take an hour."""
    sender = OutboxSender(outbox, connect(broker, "gate"), mark_late=bytes, now=lambda: NOW, needs_receipts=True)
    ids = [put(outbox, str(number)) for number in range(250)]

    def heard_now(count: int) -> list[int]:
        return [int(heard.get(timeout=PATIENCE_S)) for _ in range(count)]

    def time_has_come() -> None:
        sender._again_at = 0.0
        sender.send_pending()

    sender.send_pending()
    assert heard_now(250) == list(range(250)), "and nobody confirms any"
    time_has_come()
    time_has_come()
    assert heard_now(100) == list(range(100))
    sender.send_pending()
    sender.confirm(ids[:99])
    sender.send_pending()
    assert heard.empty(), "one of those that were sent again is not confirmed yet"
    sender.confirm(ids[99:100])
    sender.send_pending()
    assert heard_now(100) == list(range(100, 200))
    sender.confirm(ids[100:200])
    sender.send_pending()
    assert heard_now(50) == list(range(200, 250))
    sender.confirm(ids[200:])
    sender.send_pending()
    assert (heard.empty(), len(outbox)) == (True, 0)
