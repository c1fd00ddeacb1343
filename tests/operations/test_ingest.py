"""From the bus into the store of events: receipts, unreadable events, and a server that is killed while events flow."""

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bus import Outbox, OutboxSender
from database import Database, new_id
from messages import (
    MOST_RECEIPTS,
    Event,
    GateTopics,
    Receipt,
    Topic,
    every_gate,
    mark_historical,
)
from operations.alarms import register
from operations.board import Board
from operations.ingest import Ingest
from operations.tables import GateEvent
from tests.forked import running
from tests.operations import ingest_alone
from tests.waiting import PATIENCE_S, until

# Each broker and each database once: neither knows of the other.
pytestmark = pytest.mark.parametrize(
    ("make_broker", "database"), [("embedded", "sqlite"), ("mosquitto", "postgresql")], indirect=True
)

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
NORTH = GateTopics("main", "north")


def event(kind: str = "access_granted", **changes: object) -> Event:
    return Event.model_validate({"id": new_id(), "gate": "north", "at": NOW, "kind": kind, "details": {}} | changes)


@pytest.fixture
def ingest(broker, connect, database: Database) -> Iterator[Ingest]:
    """A running ingest."""
    ingest = Ingest(connect(broker, "server"), "main", database, Board(), now=lambda: NOW)
    ingest.start()
    yield ingest
    ingest.stop()


@pytest.fixture
def gate(broker, connect, ingest: Ingest):
    """The gate's connection, and the ids it was given receipts for."""
    gate = connect(broker, "gate")
    gate.receipts = queue.Queue()
    gate.subscribe(
        NORTH.receipts, lambda _topic, payload, _retained: [*map(gate.receipts.put, Receipt.decode(payload).ids)]
    )
    return gate


def stored(database: Database) -> list[GateEvent]:
    with database.read() as session:
        return list(session.scalars(select(GateEvent).order_by(GateEvent.sequence)))


def test_an_event_is_stored_and_then_receipted(gate, ingest: Ingest, database: Database) -> None:
    sent = event()
    gate.publish(NORTH.events, sent.encode(), wait_s=PATIENCE_S)
    assert gate.receipts.get(timeout=PATIENCE_S) == sent.id
    assert [row.id for row in stored(database)] == [sent.id]
    assert ingest.stored == {"access_granted": 1}


def test_a_copy_is_receipted_again_and_changes_nothing(gate, ingest: Ingest, database: Database) -> None:
    sent = event("door_forced")
    for _ in range(2):
        gate.publish(NORTH.events, sent.encode(), wait_s=PATIENCE_S)
        assert gate.receipts.get(timeout=PATIENCE_S) == sent.id
    assert len(stored(database)) == 1
    with database.read() as session:
        assert [alarm.count for alarm in register.open_alarms(session)] == [1]
    assert ingest.stored == {"door_forced": 1}


def test_the_board_is_told_whether_alarms_changed_with_the_events(gate, ingest: Ingest) -> None:
    board, told_to_others = ingest._board, []
    board.on_touch = lambda: told_to_others.append((board.arrived, board.stored))
    for kind, expected in (
        ("access_granted", (1, 0)),
        ("door_forced", (1, 1)),
        ("door_forced_ended", (1, 2)),
        ("door_forced_ended", (2, 2)),  # of an alarm that is over
    ):
        gate.publish(NORTH.events, event(kind).encode(), wait_s=PATIENCE_S)
        until(lambda expected=expected: told_to_others[-1:] == [expected], f"{kind}: {told_to_others}")
    assert len(told_to_others) == 4, "other servers are told of each"


def test_what_can_never_be_read_is_not_asked_for_again(gate, database: Database) -> None:
    broken, of_another_gate = event(), event(gate="south")
    text = json.loads(broken.encode())
    text["at"] = "yesterday"
    gate.publish(NORTH.events, json.dumps(text).encode())
    gate.publish(NORTH.events, of_another_gate.encode())
    gate.publish(NORTH.events, b'{"id": 5}')
    gate.publish(NORTH.events, b"\xff\x00")
    good = event()
    gate.publish(NORTH.events, good.encode())
    assert {gate.receipts.get(timeout=PATIENCE_S) for _ in range(3)} == {broken.id, of_another_gate.id, good.id}
    assert [row.id for row in stored(database)] == [good.id]


def test_receipts_come_in_batches_that_fit_into_a_message(gate, ingest: Ingest) -> None:
    ids = [new_id() for _ in range(MOST_RECEIPTS * 2 + 1)]
    ingest._acknowledge("north", ids)
    assert [gate.receipts.get(timeout=PATIENCE_S) for _ in ids] == ids


@contextmanager
def serving(database: Database, port: int) -> Iterator[None]:
    """A server that is killed at the end."""
    url = database.url.render_as_string(hide_password=False)
    with running(ingest_alone.main, url, port) as (server, pipe):
        assert pipe.poll(PATIENCE_S), "the server did not start"
        yield
        server.kill()


@pytest.mark.usefixtures("imported_rooms")
def test_a_server_killed_while_events_flow_has_each_of_them_once(
    broker, connect, database: Database, tmp_path: Path
) -> None:
    """`kill -9` again and again: what the gate recorded is stored, once, and counted once in its alarm."""
    outbox = Outbox(tmp_path / "outbox.db")
    gate = connect(broker, "gate")
    sender = OutboxSender(
        outbox,
        gate,
        mark_late=mark_historical,
        needs_receipts=True,
        send_again_s=0.3,
    )
    gate.subscribe(NORTH.receipts, lambda _t, payload, _r: sender.confirm(Receipt.decode(payload).ids))
    sender.start()
    recorded: list[Event] = []

    def record(number: int) -> None:
        for _ in range(number):
            # The gate's clock is an hour behind: everything it sends is late.
            made = event(("access_granted", "spoof")[len(recorded) % 2], at=datetime.now(UTC) - timedelta(hours=1))
            recorded.append(made)
            outbox.put(made.id, NORTH.events, made.encode(), made.at)
            time.sleep(0.002)

    record(40)
    for _ in range(3):
        with serving(database, broker.port):
            record(60)
        record(20)
    with serving(database, broker.port):
        until(lambda: len(outbox) == 0, timeout_s=3 * PATIENCE_S)
    sender.stop()
    outbox.close()
    rows = stored(database)
    assert Counter(row.id for row in rows) == Counter(one.id for one in recorded)
    assert all(row.historical for row in rows)
    with database.read() as session:
        [alarm] = register.open_alarms(session)
    assert (alarm.kind, alarm.count) == ("spoof", len(recorded) // 2)


def test_only_the_events_channel_is_written_to_the_journal(gate, database: Database) -> None:
    assert every_gate("main", Topic.EVENTS) == "campusgate/main/gates/+/events"
    gate.publish(NORTH.health, event().encode(), wait_s=PATIENCE_S)
    good = event()
    gate.publish(NORTH.events, good.encode(), wait_s=PATIENCE_S)
    assert gate.receipts.get(timeout=PATIENCE_S) == good.id
    assert len(stored(database)) == 1


def test_it_turns_at_rest_and_not_while_it_hangs(gate, ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.ingest._TURN_S", 0.02)
    turns, held, let_go = Counter[str](), threading.Event(), threading.Event()
    ingest.on_turn = lambda: turns.update(["turns"])
    until(lambda: turns["turns"] > 1)

    def hang(_events: object) -> None:
        held.set()
        assert let_go.wait(PATIENCE_S)

    ingest.on_stored.append(hang)
    gate.publish(NORTH.events, event().encode())
    assert held.wait(PATIENCE_S)
    before = turns["turns"]
    assert turns["turns"] == before
    let_go.set()
    until(lambda: turns["turns"] > before)
